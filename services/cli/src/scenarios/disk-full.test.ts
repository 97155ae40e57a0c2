/** Invariants 5, 8 and 10 when the disk under the store and the log is full, and when there is room again. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordPage } from '@lockkeeper/audit'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import type { LogReport } from '@lockkeeper/transparency-log'
import { createAgent, type Answer, type Heard, type TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, published, TOPIC } from '../testing/calls.ts'
import { writeGatewayFiles } from '../testing/gateway-files.ts'
import { startGatewayProcess, type GatewayProcess } from '../testing/gateway-process.ts'

const MIB = 1024 * 1024

describe('scenario: the disk is full', function () {
  this.timeout(40_000)
  let directory: string
  let mounted = false
  let idp: SandboxIdp
  let upstream: SandboxUpstream
  let running: GatewayProcess
  let file: string
  const heard: Heard = { sent: 0, texts: [], tokens: [] }

  before(async function () {
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-full-'))
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16M,mode=0700', 'lockkeeper-test', directory], { encoding: 'utf8' })
    mounted = status === 0
    if (!mounted) {
      process.stdout.write(`NOT RUN: scenario: the disk is full: a small file system cannot be mounted here: ${stderr ?? ''}\n`)
      return this.skip()
    }
    const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
    ;[idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream()])
    file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream: upstream.origin, policies: [ALLOW, ASK_TO_PUBLISH] })
    running = await startGatewayProcess(file, { credential: upstream.credential })
  })
  after(async () => {
    await running?.kill()
    await Promise.all([idp?.close(), upstream?.close()])
    if (mounted) spawnSync('umount', [directory])
    await rm(directory, { recursive: true, force: true })
  })

  const agentOf = async (id: string): Promise<TestAgent> => createAgent({ id, run: 'full', token: await idp.mintAgentToken({ agent: id, run: 'full', sponsor: 'sam.sponsor@sandbox.example.com' }) }, () => running.origin, heard)
  const change = (agent: TestAgent): Promise<Answer> => agent.post(`${TOPIC}:publish`, message(agent.id))
  const filler = (): string => join(directory, 'filler')
  /** Until nothing more fits. */
  const fill = async (): Promise<void> => {
    const handle = await open(filler(), 'a')
    try {
      for (let size = MIB; size >= 512;) await handle.write(Buffer.alloc(size)).catch((error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOSPC')
        size /= 2
      })
    } finally {
      await handle.close()
    }
  }
  const until = async (call: () => Promise<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> => {
    for (const end = performance.now() + 15_000; ; await sleep(50)) {
      const answer = await call()
      if (wanted(answer)) return answer
      assert.ok(performance.now() < end, answer.text)
    }
  }

  it('invariants 8 and 10: nothing is sent or released that cannot be recorded, and the answers say why', async () => {
    const [reader, uploader, changer] = [await agentOf('reader'), await agentOf('uploader'), await agentOf('changer')]
    assert.equal((await reader.get(BUCKETS)).status, 200)
    await fill()
    const before = upstream.requests.count({ method: 'POST' })
    const refused = await Promise.all([reader.get(BUCKETS), uploader.call('POST', 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=full', { body: 'x', headers: { 'content-type': 'text/plain' } }), change(changer)])
    assert.deepEqual(refused.map(({ status }) => status), [503, 503, 503], refused.map(({ text }) => text).join())
    assert.deepEqual(refused.map(({ reason }) => reason), ['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'APPROVAL_UNAVAILABLE'])
    assert.equal(upstream.requests.count({ method: 'POST' }), before)
  })

  it('invariants 5 and 8: killed with a full disk and started again with room, it takes calls, and each runs once', async () => {
    await running.kill()
    await rm(filler())
    running = await startGatewayProcess(file, { credential: upstream.credential })
    const [reader, changer] = [await agentOf('reader'), await agentOf('changer')]
    await until(() => reader.get(BUCKETS), ({ status }) => status === 200)
    const answer = change(changer)
    await running.approve((await running.approval('changer', 'pending')).id)
    assert.equal((await answer).status, 200)
    assert.equal(published({ upstream }), 1)
  })

  it('invariants 5 and 8: with room again the running gateway goes on by itself, and the log has every call', async () => {
    const [reader, changer] = [await agentOf('late-reader'), await agentOf('late')]
    const waiting = change(changer)
    const { id } = await running.approval('late', 'pending')
    await fill()
    const full = await reader.get(BUCKETS)
    assert.deepEqual([full.status, full.reason], [503, 'AUDIT_UNAVAILABLE'])
    await rm(filler())
    await until(() => reader.get(BUCKETS), ({ status }) => status === 200)
    await running.approve(id)
    const first = await waiting
    if (first.status !== 200) await until(() => change(changer), ({ status }) => status === 200)
    assert.equal(published({ upstream }), 2)
    const report = await running.admin.get<LogReport>('/v1/audit/verify')
    assert.deepEqual([report.ok, report.problems], [true, []])
    const { records } = await running.admin.get<RecordPage>('/v1/audit/records?agent=late-reader&kind=outcome')
    assert.deepEqual(new Set(records.map((record) => record.kind === 'outcome' && record.status)), new Set([503, 200]))
  })
})
