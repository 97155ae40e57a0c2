/** Invariants 1 and 8 for plain reads, which have one record, when the process is killed at any moment. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordPage } from '@lockkeeper/audit'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import type { LogReport } from '@lockkeeper/transparency-log'
import { createAgent, type Heard, type TestAgent } from '../testing/agent-client.ts'
import { ALLOW, BUCKETS } from '../testing/calls.ts'
import { writeGatewayFiles } from '../testing/gateway-files.ts'
import { startGatewayProcess, type GatewayProcess } from '../testing/gateway-process.ts'

const READS = 25

describe('scenario: killed between reads', function () {
  this.timeout(30_000)
  let directory: string
  let file: string
  let idp: SandboxIdp
  let upstream: SandboxUpstream
  let running: GatewayProcess
  let agent: TestAgent
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const told: (string | undefined)[] = []

  before(async () => {
    const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-reads-'))
    ;[idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream()])
    file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream: upstream.origin, policies: [{ ...ALLOW, methods: ['read'] }] })
    const token = await idp.mintAgentToken({ agent: 'reader', run: 'reads', sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: 3_600 })
    agent = createAgent({ id: 'reader', run: 'reads', token }, () => running.origin, heard)
    running = await startGatewayProcess(file, { credential: upstream.credential })
  })
  after(async () => {
    await running.kill()
    await Promise.all([idp.close(), upstream.close()])
    await rm(directory, { recursive: true, force: true })
  })
  const records = (kind: string): Promise<RecordPage> => running.admin.get<RecordPage>(`/v1/audit/records?agent=reader&kind=${kind}&limit=100`)

  it('invariant 8: a read that has waited for a second stands in the log before its answer does', async () => {
    const stuck = upstream.fail({ match: { path: /\/storage\/v1\/b/ }, kind: 'slow-header' })
    agent.get(BUCKETS).catch(() => undefined)
    await stuck.hit
    while ((await records('intent')).records.length === 0) await sleep(50)
    assert.deepEqual((await records('outcome')).records, [])
  })

  it('invariants 1 and 8: after kill -9 every read whose answer was heard is in the log, and the log verifies', async () => {
    for (let read = 0; read < READS; read++) told.push((await agent.get(BUCKETS)).headers['x-lockkeeper-record'] as string | undefined)
    await running.kill()
    running = await startGatewayProcess(file, { credential: upstream.credential })
    const found = (await records('outcome')).records.map(({ id }) => id)
    assert.equal(new Set(told).size, READS)
    assert.deepEqual(told.filter((id) => id === undefined || !found.includes(id)), [])
    const report = await running.admin.get<LogReport>('/v1/audit/verify')
    assert.deepEqual([report.ok, report.problems], [true, []])
  })

  it('invariant 8: a read that was on its way when the process was killed was heard by nobody', async () => {
    const stuck = upstream.fail({ match: { path: /\/storage\/v1\/b/ }, kind: 'slow-header' })
    const waiting = assert.rejects(agent.get(BUCKETS))
    await stuck.hit
    await running.kill()
    stuck.release()
    await waiting
    running = await startGatewayProcess(file, { credential: upstream.credential })
    assert.equal((await records('outcome')).records.length, READS)
    assert.equal((await running.admin.get<LogReport>('/v1/audit/verify')).ok, true)
  })
})
