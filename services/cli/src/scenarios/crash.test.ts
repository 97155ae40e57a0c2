/** Invariants 5, 8 and 11 when the process is killed at every stage of an approved call and starts again on the same store. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordPage } from '@lockkeeper/audit'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import type { LogReport } from '@lockkeeper/transparency-log'
import { createAgent, type Heard, type TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_FOR_ACCESS, ASK_TO_PUBLISH, INSTANCES, message, oneMoreViewer, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { writeGatewayFiles } from '../testing/gateway-files.ts'
import { startGatewayProcess, type GatewayProcess } from '../testing/gateway-process.ts'
import { secretsIn, secretsInFiles } from '../testing/secret-search.ts'

const STAGES = ['pending', 'approved', 'connecting', 'dialled', 'answered'] as const
type Stage = (typeof STAGES)[number]
/** Longer than a claim may be silent, shorter than a request may wait. */
const CLAIM_ENDED_MS = 11 * 60_000

describe('scenario: killed and started again', function () {
  this.timeout(30_000)
  let directory: string
  let file: string
  let idp: SandboxIdp
  let upstream: SandboxUpstream
  let stuck: { readonly server: Server, readonly port: number, readonly sockets: Set<Socket> }
  let running: GatewayProcess
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const agents = {} as Record<Stage, TestAgent>
  const ids = {} as Record<Stage, string>
  const outputs: string[] = []

  const calls: Readonly<Record<Stage, (signal?: AbortSignal) => ReturnType<TestAgent['post']>>> = {
    pending: (signal) => agents.pending.post(`${TOPIC}:publish`, message('pending'), signal === undefined ? {} : { signal }),
    approved: (signal) => agents.approved.post(`${TOPIC}:publish`, message('approved'), signal === undefined ? {} : { signal }),
    connecting: () => agents.connecting.post(INSTANCES, { name: 'build-9' }),
    dialled: () => agents.dialled.post(`${TOPIC}:publish`, message('dialled')),
    answered: (signal) => agents.answered.post(`${PROJECT_POLICY}:setIamPolicy`, policy, signal === undefined ? {} : { signal }),
  }
  let policy: unknown

  before(async () => {
    const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-crash-'))
    ;[idp, upstream, stuck] = await Promise.all([startSandboxIdp(), startSandboxUpstream(), acceptsAndSaysNothing()])
    file = await writeGatewayFiles(directory, {
      issuer: idp.issuer, upstream: upstream.origin,
      policies: [ASK_TO_PUBLISH, ASK_FOR_ACCESS, { name: 'machines', methods: ['compute.instances.insert'], effect: 'approve' }, { ...ALLOW, methods: ['read'] }],
      config: { targets: [
        { name: 'google', hosts: ['*.googleapis.com'], upstream: upstream.origin, credential: { secret: 'sandbox-upstream' } },
        { name: 'stuck', hosts: ['compute.googleapis.com'], upstream: `https://127.0.0.1:${stuck.port}`, credential: { secret: 'sandbox-upstream' } },
      ] },
    })
    const { etag: _etag, ...bindings } = (oneMoreViewer({ upstream }, 'user:late@sandbox.example.com') as { policy: Record<string, unknown> }).policy
    policy = { policy: bindings }
    for (const stage of STAGES) {
      const token = await idp.mintAgentToken({ agent: stage, run: 'crash', sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: 3_600 })
      heard.tokens.push(token)
      agents[stage] = createAgent({ id: stage, run: 'crash', token }, () => running.origin, heard)
    }
    await start()
  })
  after(async () => {
    await running.kill()
    for (const socket of stuck.sockets) socket.destroy()
    await Promise.all([idp.close(), upstream.close(), new Promise((resolve) => stuck.server.close(resolve))])
    await rm(directory, { recursive: true, force: true })
  })

  async function start(aheadMs = 0): Promise<void> {
    running = await startGatewayProcess(file, { credential: upstream.credential, aheadMs })
  }
  /** Asks, waits for the request and, for all stages but the first, has it approved. */
  async function ask(stage: Stage, signal?: AbortSignal): Promise<void> {
    calls[stage](signal).catch(() => undefined)
    ids[stage] = (await running.approval(stage, 'pending')).id
  }
  const verify = (): Promise<LogReport> => running.admin.get<LogReport>('/v1/audit/verify')

  it('stages: a request that waits, one approved, one being connected, one on the upstream, one answered to nobody', async () => {
    const leaving = new AbortController()
    await ask('pending')
    await ask('approved', leaving.signal)
    leaving.abort()
    await running.approve(ids.approved)
    await running.approval('approved', 'approved')
    await ask('connecting')
    await running.approve(ids.connecting)
    await running.approval('connecting', 'claimed')
    const dialled = upstream.fail({ match: { path: /:publish$/ }, kind: 'slow-header' })
    await ask('dialled')
    await running.approve(ids.dialled)
    await dialled.hit
    const [answered, left] = [upstream.fail({ match: { path: /:setIamPolicy$/ }, kind: 'slow-header' }), new AbortController()]
    await ask('answered', left.signal)
    await running.approve(ids.answered)
    await answered.hit
    left.abort()
    answered.release()
    await running.approval('answered', 'answered')
    outputs.push(running.output())
    await running.kill()
    dialled.release()
    assert.deepEqual([published({ upstream }), upstream.requests.count({ path: /:setIamPolicy$/ }), upstream.requests.count({ host: 'compute.googleapis.com' })], [1, 1, 0])
  })

  it('invariants 5 and 11: after kill -9 every request, approval, claim and stored answer is still there', async () => {
    await start()
    const states = await Promise.all(STAGES.map(async (stage) => (await running.approval(stage)).state))
    assert.deepEqual(states, ['pending', 'approved', 'claimed', 'claimed', 'answered'])
    const found = await Promise.all(STAGES.map(async (stage) => (await running.approval(stage)).id))
    assert.deepEqual(found, STAGES.map((stage) => ids[stage]))
  })

  it('invariant 5: sent again, each call runs at most once in all', async () => {
    const unsettled = Promise.all([calls.connecting(), calls.dialled()])
    const pending = calls.pending()
    await running.approve(ids.pending)
    assert.equal((await pending).status, 200)
    assert.equal((await calls.approved()).status, 200)
    const receipt = await calls.answered()
    assert.deepEqual([receipt.status, receipt.headers['x-lockkeeper-receipt']], [200, ids.answered])
    assert.deepEqual((await unsettled).map(({ status, reason }) => [status, reason]), [[428, 'APPROVAL_PENDING'], [428, 'APPROVAL_PENDING']])
    assert.deepEqual([published({ upstream }), upstream.requests.count({ path: /:setIamPolicy$/ }), upstream.requests.count({ host: 'compute.googleapis.com' })], [3, 1, 0])
  })

  it('invariant 8: the log verifies, says how far the vanished writer had come, and that its open changes are unknown', async () => {
    const report = await verify()
    assert.deepEqual([report.ok, report.problems], [true, []])
    assert.equal(report.writers.filter(({ service, status }) => service === 'proxy' && status === 'lost').length, 1)
    for (const stage of ['connecting', 'dialled'] as const) {
      const { records } = await running.admin.get<RecordPage>(`/v1/audit/records?agent=${stage}&kind=outcome&result=unknown`)
      assert.deepEqual(records.map((record) => record.kind === 'outcome' && record.reason), ['OUTCOME_UNKNOWN'], stage)
    }
  })

  it('invariants 5 and 11: a claim that stayed silent past its end is unknown, and the call is not sent again by itself', async () => {
    outputs.push(running.output())
    assert.equal(await running.stop(), 0)
    await start(CLAIM_ENDED_MS)
    for (const stage of ['connecting', 'dialled'] as const) {
      await running.approval(stage, 'unknown')
      const answer = await calls[stage]()
      assert.deepEqual([answer.status, answer.reason], [409, 'OUTCOME_UNKNOWN'])
    }
    assert.deepEqual([published({ upstream }), upstream.requests.count({ host: 'compute.googleapis.com' })], [3, 0])
    assert.deepEqual((await verify()).problems, [])
  })

  it('invariant 3: after two stops neither token stands in any file, output or answer (at level none the agent\'s user could read the gateway\'s own memory)', async () => {
    outputs.push(running.output())
    await running.kill()
    const secrets = { 'the upstream credential': upstream.credential, ...Object.fromEntries(heard.tokens.map((token, index) => [`the token of ${STAGES[index]}`, token])) }
    assert.deepEqual(await secretsInFiles(directory, secrets), [])
    assert.deepEqual(secretsIn([...outputs, ...heard.texts].join('\n'), secrets), [])
  })
})

/** A peer that takes connections and never says a word: a TLS client is left in its handshake. */
async function acceptsAndSaysNothing(): Promise<{ readonly server: Server, readonly port: number, readonly sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, sockets }
}
