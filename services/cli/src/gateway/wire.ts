/** The embedded edition's composition root: all services in one process over one SQLite file. */
import { randomBytes } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { environmentSecrets, fileSecrets, openFileBlobs, openKeyFile, openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import { collections as approvalCollections, createApprovalService, type ApprovalService } from '@lockkeeper/approval'
import { createAuditService, type AuditService } from '@lockkeeper/audit'
import { createApproverVerifier, createPeopleDirectory, createVerifier } from '@lockkeeper/auth'
import { createCatalog } from '@lockkeeper/catalog'
import { collections as consoleCollections } from '@lockkeeper/console'
import { systemClock, type Clock, type IsolationLevel, type Method } from '@lockkeeper/domain'
import { TOPICS } from '@lockkeeper/domain/events'
import type { CredentialSource, EventBus } from '@lockkeeper/domain/ports'
import { maskProblems } from '@lockkeeper/masking'
import { collections as notifierCollections } from '@lockkeeper/notifier'
import { collections as policyCollections, createClassify, createPolicyService, type PolicyService } from '@lockkeeper/policy'
import { watchBundle, type BundleWatch, type TargetConfig } from '@lockkeeper/policy-engine'
import { createProxy, createTargets, DEFAULT_LIMITS, watchTargets, type ForwardDoorSettings, type Proxy, type WatchedTargets } from '@lockkeeper/proxy'
import type { Log } from '@lockkeeper/service-kit'
import { observeDeadLetters, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import { batchEvent, createRecordWriter, type ChainedWriter } from '@lockkeeper/transparency-log'
import { createGatewayConsole, mailLinksOf, pageOf, type GatewayConsole } from './console.ts'
import { credentialSource } from './credentials.ts'
import type { LoadedConfig } from './load-config.ts'
import { openRandomKey, privateDirectory } from './local-keys.ts'
import { isolationProblems } from './mode-problems.ts'
import { createGatewayNotifier, slackTrust, type GatewayNotifier } from './notifier.ts'
import { protectedResources } from './protected-resources.ts'
import { gatewayTelemetry } from './telemetry.ts'
import { createTerminalKey, type TerminalKeyPair } from './terminal-key.ts'

export interface GatewayOptions {
  readonly loaded: LoadedConfig
  readonly isolation: IsolationLevel
  readonly log: Log
  readonly clock?: Clock
  /** Credential sources that come from elsewhere than the configuration: the sandbox's own. */
  readonly credentials?: Readonly<Record<string, CredentialSource>>
  /** Called once when a part is lost that nothing works without. */
  readonly onFailure: (error: Error) => void
}

export interface Gateway {
  /** Opens the agent port; resolves when a policy is in force and calls are taken. */
  start(): Promise<void>
  /** `http://127.0.0.1:8443`. */
  readonly origin: string
  /** PEM of the forward door's authority, where that door is open. */
  readonly authority: string | undefined
  readonly directory: string
  readonly proxy: Proxy
  readonly approval: ApprovalService
  readonly audit: AuditService
  readonly policy: PolicyService
  /** Where the configuration has `notify`. */
  readonly notifier: GatewayNotifier | undefined
  /** Where the configuration has `console`. Reads through the admin socket, so it answers once that is open. */
  readonly console: GatewayConsole | undefined
  readonly bundles: BundleWatch
  readonly events: EventBus
  readonly terminal: TerminalKeyPair
  readonly methods: readonly Method[]
  /** Ends holds, finishes calls, closes the log and the store. */
  drain(): Promise<void>
}


export async function openGateway({ loaded, isolation, log, clock = systemClock, credentials = {}, onFailure }: GatewayOptions): Promise<Gateway> {
  const { config, people: persons, directory: base } = loaded
  const file = resolve(base, config.store)
  const directory = privateDirectory(dirname(file))
  const instance = `gw-${randomBytes(6).toString('hex')}`
  const catalog = createCatalog()
  const [store, signer] = await Promise.all([
    openSqlite({ file, collections: [...approvalCollections, ...policyCollections, ...notifierCollections, ...consoleCollections], clock, onFailure }),
    openKeyFile(join(directory, 'keys', 'signing.pem')),
    catalog.load(),
  ])
  const blobs = await openFileBlobs(join(directory, 'blobs'))
  const methods = [...catalog.methods()]
  const people = createPeopleDirectory(persons)
  const terminal = createTerminalKey(clock)
  const publicKey = { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
  const { documents, events } = store

  const secrets = config.secrets === undefined ? environmentSecrets('LOCKKEEPER_SECRET_', process.env) : fileSecrets(resolve(base, config.secrets))
  const telemetry = await gatewayTelemetry(config, { secrets, instance, clock, log })
  if (telemetry !== undefined) observeDeadLetters(telemetry, events)
  const audit = await createAuditService({ events, blobs, signer, clock, log, telemetry }, { mode: config.mode, isolation, bootId: instance, singleProcess: true, trustedKeys: { writers: [publicKey] } })
  const approverVerifier = config.approverIssuers.length === 0 ? undefined : createApproverVerifier({ issuers: config.approverIssuers, people, clock, mode: config.mode })
  const mailLinkKey = openRandomKey(join(directory, 'keys', 'mail-links.key'))
  const page = createGatewayConsole(loaded, { adminSocket: join(directory, 'admin.sock'), mailLinkKey, documents, people, secrets, approvers: approverVerifier, clock, log })
  const trust = slackTrust(loaded, { secrets, people })
  const approval = createApprovalService({
    documents, events, blobs, clock, people, log, telemetry, methods: (id, host) => catalog.method(id, host), receiptKey: openRandomKey(join(directory, 'keys', 'receipts.key')),
    terminalKeys: config.terminal === undefined ? [] : [{ publicKey: terminal.publicKey, persons: persons.filter(({ id }) => id === config.terminal?.person).map(({ id }) => id) }],
    ...(approverVerifier === undefined ? {} : { verifyIdToken: (token: string, digest: string) => approverVerifier.verifyApproverToken(token, digest) }),
    ...(trust === undefined ? {} : { slack: trust }), ...(page === undefined ? {} : { passkeys: page.passkeys }),
  }, { mode: config.mode, pendingPerAgent: config.limits.pendingPerAgent, groupClaims: config.groupClaims, fatigue: config.fatigue, ...config.bigqueryPricePerTiB === undefined ? {} : { bigqueryPricePerTiB: config.bigqueryPricePerTiB } })
  const notifier = createGatewayNotifier(loaded, { documents, events, secrets, people, mailLinks: mailLinksOf(config, mailLinkKey), clock, log, telemetry })
  const policy = createPolicyService({ documents, blobs, signer, clock, log, telemetry, methods, maskProblems, classify: createClassify(catalog) }, { ...(typeof config.policies === 'string' ? { folder: resolve(base, config.policies) } : { pushed: true as const }), mode: config.mode, targets: loaded.publishedTargets ? 'required' : 'refused' })
  const bundles = watchBundle({ store: documents, blobs, keys: [publicKey], methods, maskProblems, clock, onProblem: (problem) => problem === undefined ? log.info({}, 'the newest policy is in force again') : log.error({ problem }, 'the newest policy is not in force; the old one stays') })
  const credential = ({ name, credential: settings }: Pick<TargetConfig, 'name' | 'credential'>): CredentialSource => credentials[name] ?? credentialSource(name, settings, { clock, secrets, log })
  const watched = !loaded.publishedTargets ? undefined : watchTargets({
    store: documents, blobs, keys: [publicKey], clock, mode: config.mode, credential,
    problems: (all) => config.mode === 'real' ? isolationProblems({ targets: all, acknowledgeNoIsolation: config.acknowledgeNoIsolation }, isolation).map(({ message }) => message) : [],
    onProblem: (problem) => problem === undefined ? log.info({}, 'the newest targets are in force again') : log.error({ problem }, 'the newest targets are not in force; the old ones stay'),
    onTargets: (all) => log.info({ targets: all.map(({ name }) => name) }, 'targets are in force'),
  })
  const targets = watched ?? createTargets(
    config.targets.map(({ credential: _credential, sendsCredential: _sends, ...target }) => target),
    ({ name }) => credential({ name, credential: config.targets.find((one) => one.name === name)?.credential ?? { none: true } }),
  )
  const verifier = createVerifier({ issuers: config.issuers, people, clock, mode: config.mode })
  const records = await createRecordWriter({
    service: 'proxy', bootId: instance, signer, clock, mode: config.mode, isolation,
    publish: (batch) => events.publish(TOPICS.records, [batchEvent(batch, `/proxy/${instance}`, clock.now())]),
  })
  const forward = await forwardDoor(loaded, clock)
  const approvalUrl = config.approvalUrl ?? pageOf(config)
  const proxy = createProxy({
    clock, documents, events, approval: approval.api, verifier, catalog, records, targets, log, telemetry, sessionKey: openRandomKey(join(directory, 'keys', 'sessions.key')),
    policy: bundles,
  }, {
    mode: config.mode, isolation, instance, holdMs: config.hold, staleAfterMs: 5000, upstreamHeadersMs: config.upstream.headers, upstreamBodyMs: config.upstream.body,
    limits: { ...DEFAULT_LIMITS, ...config.limits }, protectedResources: protectedResources(config), ...(approvalUrl === undefined ? {} : { approvalUrl }),
  })
  let origin = ''
  return {
    get origin() { return origin },
    authority: forward?.authority.certificate,
    directory, proxy, approval, audit, policy, notifier, console: page, bundles, events, terminal, methods,
    async start() {
      await audit.start()
      await Promise.all([approval.start(), policy.start(), notifier?.start(), page?.start()])
      // Where sets are pushed there may be none yet: every call is refused until there is one.
      if (typeof config.policies === 'string' || policy.status().pointer !== undefined) await Promise.all([bundles.ready, watched?.ready])
      else log.warn({}, 'no policies have been pushed yet: every call is refused until `lockkeeper policy push`')
      const { address, port } = await proxy.start({ ...config.listen, doors: config.doors, ...(forward === undefined ? {} : { forward }) })
      origin = `${config.listen.tls === undefined ? 'http' : 'https'}://${address.includes(':') ? `[${address}]` : address}:${port}`
      records.append({ kind: 'event', at: clock.now(), mode: config.mode, isolation, origin: 'operator', name: 'gateway.started', text: `The gateway started in mode ${config.mode} at isolation level ${isolation}.`, facts: { instance } })
    },
    drain: async () => {
      await page?.drain()
      await drain({ proxy, approval, audit, policy, notifier, bundles, targets: watched, records, telemetry, store })
    },
  }
}

async function forwardDoor({ config, directory }: LoadedConfig, clock: Clock): Promise<ForwardDoorSettings | undefined> {
  if (config.doors.forward === undefined) return undefined
  const { openCertificateAuthority } = await import('@lockkeeper/proxy/certificate-authority')
  const { ca, tunnel } = config.doors.forward
  return { authority: await openCertificateAuthority(resolve(directory, ca), config.targets.flatMap(({ hosts }) => hosts), clock), tunnel }
}

/** The other way round than the start: no new calls, then their records, then the log, then the store. */
async function drain({ proxy, approval, audit, policy, notifier, bundles, targets, records, telemetry, store }: { proxy: Proxy, approval: ApprovalService, audit: AuditService, policy: PolicyService, notifier: GatewayNotifier | undefined, bundles: BundleWatch, targets: WatchedTargets | undefined, records: ChainedWriter, telemetry: Telemetry | undefined, store: SqliteStore }): Promise<void> {
  await proxy.drain()
  await records.close()
  bundles.close()
  targets?.close()
  await Promise.all([approval.drain(), policy.drain(), notifier?.drain()])
  await audit.drain()
  await telemetry?.shutdown()
  await store.close()
}

