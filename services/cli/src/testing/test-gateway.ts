/**
 * Tests only: the whole embedded gateway before the sandbox's parts, in this process, on free ports, in a directory of its own.
 * Closing it checks what must hold after every scenario: one outcome for each request that was sent (invariant 8), no secret in
 * anything that was heard, logged or stored (invariant 3), and a log that verifies.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IsolationLevel } from '@lockkeeper/domain'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import { createLogger, formatProblems } from '@lockkeeper/service-kit'
import type { StoredRecord } from '@lockkeeper/transparency-log'
import { decideAtTerminal } from '../gateway/decide-at-terminal.ts'
import { loadConfig, type LoadedConfig } from '../gateway/load-config.ts'
import { openGateway, type Gateway } from '../gateway/wire.ts'
import { createAgent, type Heard, type TestAgent } from './agent-client.ts'
import { watchApprovalFacts, type ApprovalFacts } from './approval-facts.ts'
import { createShiftedClock, type ShiftedClock } from './shifted-clock.ts'
import { writeGatewayFiles, type ConfigPart, type GatewayFileOptions } from './gateway-files.ts'
import { secretsIn, secretsInFiles } from './secret-search.ts'

export interface TestGatewayOptions extends Pick<GatewayFileOptions, 'policies' | 'people'> {
  /** Parts that replace the defaults; a function may first put files into the directory. */
  readonly config?: ConfigPart | ((parts: { readonly upstream: string, readonly directory: string }) => ConfigPart | Promise<ConfigPart>)
  readonly isolation?: IsolationLevel
  /** What calls go up with instead of the credential itself; `credential` is what the upstream takes. */
  readonly source?: (parts: { readonly credential: string, readonly clock: ShiftedClock }) => CredentialSource
}

export type OutcomeRecord = StoredRecord & { readonly kind: 'outcome' }

export interface TestGateway {
  readonly gateway: Gateway
  readonly loaded: LoadedConfig
  readonly idp: SandboxIdp
  readonly upstream: SandboxUpstream
  readonly clock: ShiftedClock
  readonly facts: ApprovalFacts
  readonly heard: Heard
  readonly logLines: readonly string[]
  /** An agent with a token of its own. Default run: `run-` and its id. Default sponsor: sam. */
  agent(id: string, options?: { readonly run?: string, readonly sponsor?: string | undefined, readonly claims?: Readonly<Record<string, unknown>> }): Promise<TestAgent>
  /** Waits for the agent's request, then decides as the terminal's person. Resolves with the approval's id. */
  decide(agent: string, verdict: 'approve' | 'deny', reason?: string): Promise<string>
  /** The whole log, oldest first. */
  records(): Promise<readonly StoredRecord[]>
  /** Outcomes of agents' calls, oldest first, once there are as many as requests were sent. */
  outcomes(): Promise<readonly OutcomeRecord[]>
  close(): Promise<void>
}

const SPONSOR = 'sam.sponsor@sandbox.example.com'
const RECORDED_WITHIN_MS = 5_000
/** Each is searched for in many encodings. */
const SEARCHED_TOKENS = 5

export async function startTestGateway({ config = {}, isolation = 'none', source, ...files }: TestGatewayOptions = {}): Promise<TestGateway> {
  const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-scenario-'))
  const [idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream()])
  const chosen = typeof config === 'function' ? await config({ upstream: upstream.origin, directory }) : config
  const file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream: upstream.origin, config: chosen, ...files })
  const loaded = loadConfig(file, {})
  if ('problems' in loaded) throw new TypeError(formatProblems(loaded.problems))
  const logLines: string[] = []
  const failures: Error[] = []
  const clock = createShiftedClock()
  const credential: CredentialSource = source?.({ credential: upstream.credential, clock }) ?? { kind: 'secret', principal: 'sandbox-upstream', authorization: () => `Bearer ${upstream.credential}` }
  const own = loaded.config.targets.flatMap((target) => 'secret' in target.credential && target.credential.secret === 'sandbox-upstream' ? [target.name] : [])
  // Targets that are pushed later are called so too.
  const credentials = Object.fromEntries([...own, ...loaded.publishedTargets ? ['google'] : []].map((name) => [name, credential]))
  const gateway = await openGateway({ loaded, isolation, credentials, clock, log: createLogger('gateway', { level: 'debug', destination: { write: (line) => void logLines.push(line) } }), onFailure: (error) => failures.push(error) })
  await gateway.start()
  return around({ gateway, loaded, idp, upstream, clock, logLines }, failures)
}

type Parts = Pick<TestGateway, 'gateway' | 'loaded' | 'idp' | 'upstream' | 'clock' | 'logLines'>

function around(parts: Parts, failures: readonly Error[]): TestGateway {
  const { gateway, idp } = parts
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const facts = watchApprovalFacts(gateway.events)
  const outcomes = (): Promise<readonly OutcomeRecord[]> => outcomesOf(gateway, heard)
  return {
    ...parts, facts, heard, outcomes,
    async agent(id, { run = `run-${id}`, claims, ...chosen } = {}) {
      const sponsor = 'sponsor' in chosen ? chosen.sponsor : SPONSOR
      const token = await idp.mintAgentToken({ agent: id, run, ...(sponsor === undefined ? {} : { sponsor }), ...(claims === undefined ? {} : { claims }) })
      heard.tokens.push(token)
      return createAgent({ id, run, token }, () => gateway.origin, heard)
    },
    async decide(agent, verdict, reason) {
      const { approval } = await facts.next('approval.requested', agent)
      await decideAtTerminal(gateway, 'ada', approval, verdict, reason)
      return approval
    },
    records: () => allRecords(gateway),
    async close() {
      try {
        await checkAfterwards(parts, heard, await outcomes())
      } finally {
        await facts.close()
        await gateway.drain()
        await Promise.all([parts.upstream.close(), idp.close()])
        await rm(parts.loaded.directory, { recursive: true, force: true })
      }
      assert.deepEqual(failures, [])
    },
  }
}

/** Oldest first. */
async function allRecords({ audit }: Gateway): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let cursor: string | undefined; ;) {
    const page = await audit.queries.search({}, { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) })
    records.push(...page?.records ?? [])
    cursor = page?.cursor
    if (cursor === undefined) return records.reverse()
  }
}

/** An answer may be heard a moment before its record is published. */
async function outcomesOf(gateway: Gateway, heard: Heard): Promise<readonly OutcomeRecord[]> {
  const end = performance.now() + RECORDED_WITHIN_MS
  for (;;) {
    const all = (await allRecords(gateway)).filter((record): record is OutcomeRecord => record.kind === 'outcome' && record.origin === 'agent')
    const ids = new Set(all.map(({ id }) => id))
    // The one record of a plain read is corrected by another when the answer could not leave after all.
    const found = all.filter(({ intent }) => intent === undefined || !ids.has(intent))
    if (found.length >= heard.sent || performance.now() > end) return found
    await sleep(20)
  }
}

async function checkAfterwards({ gateway, upstream, loaded, logLines }: Parts, heard: Heard, outcomes: readonly OutcomeRecord[]): Promise<void> {
  assert.equal(outcomes.length, heard.sent, 'invariant 8: one outcome for each request that was sent')
  const secrets = { 'the upstream credential': upstream.credential, ...Object.fromEntries(heard.tokens.slice(0, SEARCHED_TOKENS).map((token, index) => [`agent token ${index}`, token])) }
  assert.deepEqual(secretsIn(heard.texts.join('\n'), secrets), [], 'invariant 3: heard by an agent')
  assert.deepEqual(secretsIn(logLines.join(''), secrets), [], 'invariant 3: in the logs')
  assert.deepEqual(await secretsInFiles(loaded.directory, secrets), [], 'invariant 3: in files')
  const dialled = upstream.requests.list()
  assert.ok(dialled.every(({ authorized }) => authorized), 'invariant 3: only the gateway\'s credential goes upstream')
  assert.deepEqual(secretsIn(JSON.stringify(dialled), secrets), [], 'invariant 3: sent upstream')
  const report = await gateway.audit.queries.verify()
  assert.deepEqual(report.problems, [], 'invariant 8: the log verifies')
}
