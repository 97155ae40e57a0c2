/** For tests: a proxy of real parts (catalog, verifier, policy, masking, record writer) with stand-ins for the other services. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createPeopleDirectory, createVerifier } from '@lockkeeper/auth'
import { createCatalog, type Catalog } from '@lockkeeper/catalog'
import { systemClock, type Lock } from '@lockkeeper/domain'
import { locks } from '@lockkeeper/domain/collections'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import { compile, type Policy, type RuleDocument } from '@lockkeeper/policy-engine'
import { createRecordWriter, decodeRecord, type StoredRecord } from '@lockkeeper/transparency-log'
import { createProxy, createTargets, DEFAULT_LIMITS, type ListenSettings, type Limits, type Proxy, type ProxyPorts, type ProxySettings, type TargetSettings } from '../service.ts'
import { createTestIssuer } from './agent-tokens.ts'
import { createApprovalDesk, type ApprovalDesk } from './approval-desk.ts'
import { createMemoryDocuments, type MemoryDocuments } from './memory-documents.ts'

/** Stands for the upstream credential: nothing that leaves the gateway towards an agent or a log may hold it. */
export const GOOGLE_TOKEN = 'ya29.CANARYgoogleTOKENxyz0123456789'
const AGENT_CANARY = 'CANARYagentTOKEN'

export interface TestProxyOptions {
  readonly upstream: string
  readonly rules?: readonly RuleDocument[]
  readonly settings?: Partial<ProxySettings>
  readonly limits?: Partial<Limits>
  readonly listen?: Partial<ListenSettings>
  readonly target?: Partial<TargetSettings>
  readonly targets?: readonly TargetSettings[]
  readonly ports?: Partial<ProxyPorts>
  /** Default: documents of its own. */
  readonly documents?: MemoryDocuments
  /** Another instance over the same store and the same approval service. */
  readonly beside?: TestProxy
  /** Becomes the targets' credential, and may be changed while the proxy runs. */
  readonly credential?: Pick<CredentialSource, 'reach'>
}

export interface TestProxy {
  readonly proxy: Proxy
  readonly origin: string
  readonly port: number
  readonly documents: MemoryDocuments
  readonly desk: ApprovalDesk
  /** What the log has taken durably, in order. */
  readonly records: readonly StoredRecord[]
  readonly logLines: readonly string[]
  /** How the log takes batches: `hang` answers once it is set back. */
  log: 'take' | 'hang' | 'fail'
  /** Batches that a hanging log has been given and holds. */
  readonly held: number
  token(claims?: Readonly<Record<string, unknown>>): string
  bearer(claims?: Readonly<Record<string, unknown>>): { readonly authorization: string }
  lock(scope: Lock['scope']): void
  /** The outcome records so far, waiting until there are `count`. */
  outcomes(count: number): Promise<readonly (StoredRecord & { readonly kind: 'outcome' })[]>
  /** Everything that was ever written to records and logs, to be searched for secrets. */
  written(): string
  stop(): Promise<void>
}

const ALLOW_ALL: readonly RuleDocument[] = [{ name: 'all', methods: ['*'], effect: 'allow' }]
const HOSTS = ['storage.googleapis.com', 'bigquery.googleapis.com', 'cloudresourcemanager.googleapis.com', 'secretmanager.googleapis.com', 'iam.googleapis.com', 'compute.googleapis.com', 'firestore.googleapis.com', 'run.googleapis.com']

let catalog: Promise<Catalog> | undefined
export function loadedCatalog(): Promise<Catalog> {
  const made = createCatalog()
  catalog ??= made.load(HOSTS).then(() => made)
  return catalog
}

async function policyOf(rules: readonly RuleDocument[]): Promise<Policy> {
  const compiled = await compile([{ apiVersion: 'lockkeeper.dev/v1', kind: 'Policy', metadata: { name: 'tests', owner: 'tests' }, agents: ['*'], rules: [...rules] }], [...(await loadedCatalog()).methods()], { bundle: 'b1' })
  if ('problems' in compiled) throw new TypeError(JSON.stringify(compiled.problems))
  return compiled.policy
}

export async function startTestProxy(options: TestProxyOptions): Promise<TestProxy> {
  const documents = options.beside?.documents ?? options.documents ?? createMemoryDocuments()
  const desk = options.beside?.desk ?? createApprovalDesk(documents, systemClock.now)
  const issuer = createTestIssuer(systemClock.now)
  const policy = await policyOf(options.rules ?? ALLOW_ALL)
  const records: StoredRecord[] = []
  const batches: string[] = []
  const waiting: (() => void)[] = []
  const { writer, take, held } = await recordWriter(records, batches, () => test.log, waiting)
  const logLines: string[] = []
  const logger = (level: string) => (facts: object, message: string): void => void logLines.push(JSON.stringify({ level, ...facts, message }))
  const credential: CredentialSource = Object.assign(options.credential ?? {}, { kind: 'secret', authorization: () => `Bearer ${GOOGLE_TOKEN}`, principal: 'agents@proj.iam.gserviceaccount.com' } as const)
  const proxy = createProxy({
    clock: systemClock, documents, events: desk.events, approval: desk.api, catalog: await loadedCatalog(), records: writer, sessionKey: randomBytes(32),
    verifier: createVerifier({ issuers: [issuer.settings], people: createPeopleDirectory([]), clock: systemClock, mode: 'sandbox' }),
    policy: { current: () => policy, age: () => 0, refresh: () => Promise.resolve() },
    targets: createTargets([{ name: 'google', hosts: ['*.googleapis.com'], upstream: options.upstream, ...options.target }, ...options.targets ?? []], () => credential),
    log: { debug: logger('debug'), info: logger('info'), warn: logger('warn'), error: logger('error') }, ...options.ports,
  }, {
    mode: 'sandbox', isolation: 'none', instance: 'gw-test', holdMs: 5000, staleAfterMs: 5000, upstreamHeadersMs: 3000, upstreamBodyMs: 3000, lookAfterMs: [0], protectedResources: [],
    limits: { ...DEFAULT_LIMITS, ...options.limits }, ...options.settings,
  })
  const { port } = await proxy.start({ address: '127.0.0.1', port: 0, doors: { path: true }, ...options.listen })
  let stopped: Promise<void> | undefined
  const test: TestProxy = {
    proxy, port, origin: `http${options.listen?.tls === undefined ? '' : 's'}://127.0.0.1:${port}`, documents, desk, records, logLines, log: 'take',
    get held() { return held() },
    token: issuer.token,
    bearer: (claims) => ({ authorization: `Bearer ${issuer.token(claims)}` }),
    lock(scope) {
      documents.put(locks.name, 'lock_1', { kind: 'lock', live: true, revision: 1, id: 'lock_1', scope, reason: 'test', by: 'ana', at: systemClock.now() })
    },
    async outcomes(count) {
      const found = () => records.filter((one): one is StoredRecord & { readonly kind: 'outcome' } => one.kind === 'outcome' && one.origin === 'agent')
      while (found().length < count) await take()
      return found()
    },
    written: () => [...batches, ...logLines].join('\n'),
    stop: () => stopped ??= end(proxy, writer, documents, test),
  }
  return test
}

async function recordWriter(records: StoredRecord[], batches: string[], mode: () => TestProxy['log'], waiting: (() => void)[]) {
  const keys = generateKeyPairSync('ed25519')
  let held = 0
  const writer = await createRecordWriter({
    service: 'proxy', bootId: 'gw-test', clock: systemClock, mode: 'sandbox', isolation: 'none', maxUnackedMs: 500,
    signer: { keyId: 'k', algorithm: 'EdDSA', sign: async (bytes: Uint8Array) => sign(null, bytes, keys.privateKey), publicKeyJwk: async () => keys.publicKey.export({ format: 'jwk' }) } as never,
    async publish(batch) {
      held += 1
      while (mode() === 'hang') await new Promise((resolve) => setTimeout(resolve, 10))
      held -= 1
      if (mode() === 'fail') throw new Error('the log is down')
      batches.push(JSON.stringify(batch), ...batch.bodies.map(({ bytes }) => Buffer.from(bytes).toString('latin1')))
      records.push(...batch.lines.map(decodeRecord))
      for (const tell of waiting.splice(0)) tell()
    },
  })
  return { writer, held: () => held, take: () => new Promise<void>((resolve) => void waiting.push(resolve)) }
}

async function end(proxy: Proxy, writer: { readonly healthy: boolean, close(): Promise<void> }, documents: MemoryDocuments, test: TestProxy): Promise<void> {
  test.log = 'take'
  await proxy.drain(200)
  // A log that was just down takes a moment to notice that it is up again.
  while (!writer.healthy) await new Promise((resolve) => setTimeout(resolve, 10))
  await writer.close()
  documents.stop()
}

/** Invariant 3: what was written anywhere or came back to the agent holds neither token. */
export function findCanary(...texts: readonly string[]): string | undefined {
  const whole = texts.join('\n')
  return [GOOGLE_TOKEN, AGENT_CANARY].find((canary) => whole.includes(canary) || whole.includes(Buffer.from(canary).toString('base64url')))
}
