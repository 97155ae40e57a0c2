/** Invariants 5 and 11 where things meet: connections that share a call, an upstream that fails, locks that fall, caps that are reached. */
import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, published, TOPIC } from '../testing/calls.ts'
import type { Answer, TestAgent } from '../testing/agent-client.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const PUBLISH = { host: 'pubsub.googleapis.com', path: /:publish$/ }
const DOWNLOAD = 'storage.googleapis.com/storage/v1/b/agent-workspace/o/large.bin?alt=media'

describe('scenario: approvals where things meet', () => {
  let test: TestGateway
  before(async () => { test = await startTestGateway({ policies: [ASK_TO_PUBLISH, { ...ALLOW, methods: ['read', 'storage.objects.insert'] }] }) })
  after(() => test.close())

  const publish = (agent: TestAgent, text: string, headers?: Readonly<Record<string, string>>): Promise<Answer> => agent.post(`${TOPIC}:publish`, message(text), headers === undefined ? {} : { headers })

  it('invariant 5: two connections with the same call share one approval and one dial, and both get the answer', async () => {
    const [agent, before] = [await test.agent('twice'), published(test)]
    const waiting = [publish(agent, 'shared'), publish(agent, 'shared'), publish(agent, 'shared')]
    await test.decide('twice', 'approve')
    const answers = await Promise.all(waiting)
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200], answers.map(({ text }) => text).join('\n'))
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    assert.equal(answers.filter(({ headers }) => headers['x-lockkeeper-receipt'] === undefined).length, 1)
    assert.equal(published(test), before + 1)
  })

  it('another agent, another run and another idempotency key do not share an approval', async () => {
    const [agent, run, other] = [await test.agent('own'), await test.agent('own', { run: 'second' }), await test.agent('stranger')]
    const waiting = [publish(agent, 'mine'), publish(run, 'mine'), publish(agent, 'mine', { 'idempotency-key': 'k2' })]
    const asked = [await test.facts.next('approval.requested', 'own'), await test.facts.next('approval.requested', 'own'), await test.facts.next('approval.requested', 'own')]
    assert.equal(new Set(asked.map(({ approval }) => approval)).size, 3)
    for (const { approval } of asked) await deny(test, approval)
    await Promise.all(waiting)
    const theirs = publish(other, 'mine')
    await test.decide('stranger', 'deny')
    assert.equal((await theirs).reason, 'APPROVAL_DENIED')
  })

  it('an upstream that answers 429 has done nothing: the approval stands and the call sent again runs', async () => {
    const [agent, before] = [await test.agent('limited'), published(test)]
    test.upstream.fail({ match: PUBLISH, kind: 'status', status: 429, headers: { 'retry-after': '1' } })
    const waiting = publish(agent, 'too many')
    const approval = await test.decide('limited', 'approve')
    assert.equal((await waiting).status, 429)
    assert.equal(await stateOf(test, approval), 'approved')
    assert.equal((await publish(agent, 'too many')).status, 200)
    assert.equal(published(test), before + 2)
    assert.equal(await stateOf(test, approval), 'answered')
  })

  for (const [what, kind] of [['is cut before an answer', 'reset-after'], ['answers 503', 'status']] as const) {
    it(`invariant 5: an approved call whose connection ${what} is unknown, says so and is never sent again by itself`, async () => {
      const name = `unsure-${kind}`
      const [agent, before] = [await test.agent(name), published(test)]
      test.upstream.fail({ match: PUBLISH, kind })
      const waiting = publish(agent, 'perhaps')
      const approval = await test.decide(name, 'approve')
      const answer = await waiting
      if (kind === 'reset-after') assert.deepEqual([answer.status, answer.reason], [409, 'OUTCOME_UNKNOWN'], answer.text)
      assert.equal(await stateOf(test, approval), 'unknown')
      const again = await publish(agent, 'perhaps')
      assert.deepEqual([again.status, again.reason], [409, 'OUTCOME_UNKNOWN'])
      assert.equal(published(test), before + 1)
    })
  }

  it('an approved call runs on when its client leaves, and the answer waits for the agent', async () => {
    const [agent, before] = [await test.agent('leaver'), published(test)]
    const [leaving, fault] = [new AbortController(), test.upstream.fail({ match: PUBLISH, kind: 'slow-header' })]
    const waiting = agent.post(`${TOPIC}:publish`, message('gone'), { signal: leaving.signal })
    const approval = await test.decide('leaver', 'approve')
    await fault.hit
    leaving.abort()
    await assert.rejects(waiting)
    fault.release()
    await test.facts.next('approval.completed', 'leaver')
    const again = await publish(agent, 'gone')
    assert.deepEqual([again.status, again.headers['x-lockkeeper-receipt']], [200, approval])
    assert.equal(published(test), before + 1)
  })

  it('invariant 11: a lock ends a held call within a second, and the request is not approved while it is set', async () => {
    const [agent, before] = [await test.agent('stopped'), published(test)]
    const waiting = publish(agent, 'stop me')
    const { approval } = await test.facts.next('approval.requested', 'stopped')
    const started = performance.now()
    await test.gateway.approval.admin.setLock({ scope: { kind: 'run', run: 'run-stopped' }, reason: 'looks wrong', by: 'max' })
    const answer = await waiting
    assert.deepEqual([answer.status, answer.reason], [403, 'AGENT_LOCKED'])
    assert.ok(performance.now() - started < 1_000, `took ${performance.now() - started} ms`)
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown))
    const decided = await test.gateway.approval.admin.decide(test.gateway.terminal.decide({ approval, digest: shown.approval.digest, verdict: 'approve' }, 'ada'))
    assert.ok(isRefusal(decided) && decided.reason === 'AGENT_LOCKED')
    assert.equal(published(test), before)
  })

  it('invariant 11: a lock cuts an answer that is on its way within a second', async () => {
    const agent = await test.agent('streaming')
    const content = Buffer.alloc(4 * 1024 * 1024, 'x')
    assert.equal((await agent.call('POST', 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=large.bin', { body: content, headers: { 'content-type': 'application/octet-stream' } })).status, 200)
    const [head, fault] = [Promise.withResolvers<void>(), test.upstream.fail({ match: { path: /large\.bin\?alt=media/ }, kind: 'slow-body' })]
    const reading = agent.get(DOWNLOAD, { onHead: () => head.resolve() })
    await head.promise
    const started = performance.now()
    await test.gateway.approval.admin.setLock({ scope: { kind: 'agent', agent: 'streaming' }, reason: 'enough', by: 'max' })
    await assert.rejects(reading)
    assert.ok(performance.now() - started < 1_000, `took ${performance.now() - started} ms`)
    fault.clear()
    assert.equal((await agent.get(BUCKETS)).reason, 'AGENT_LOCKED')
  })

  it('a stored answer is not given out after a lock', async () => {
    const agent = await test.agent('caught')
    const waiting = publish(agent, 'before the lock')
    await test.decide('caught', 'approve')
    assert.equal((await waiting).status, 200)
    const lock = await test.gateway.approval.admin.setLock({ scope: { kind: 'agent', agent: 'caught' }, reason: 'look first', by: 'max' })
    assert.ok(!isRefusal(lock))
    await test.gateway.approval.admin.liftLock({ id: lock.id, by: 'max', reason: 'looked' })
    const before = published(test)
    const again = publish(agent, 'before the lock')
    await test.decide('caught', 'deny')
    assert.equal((await again).headers['x-lockkeeper-receipt'], undefined)
    assert.equal(published(test), before)
  })

  it('20 calls of one agent are held, the next is answered at once; 50 wait, the next is refused', async () => {
    const agent = await test.agent('eager')
    const held = Array.from({ length: 20 }, (_, index) => publish(agent, `held ${index}`))
    for (let index = 0; index < 20; index++) await test.facts.next('approval.requested', 'eager')
    const started = performance.now()
    const more = await Promise.all(Array.from({ length: 30 }, (_, index) => publish(agent, `more ${index}`)))
    assert.ok(performance.now() - started < 3_000)
    assert.deepEqual(new Set(more.map(({ status, reason }) => `${status} ${reason}`)), new Set(['428 APPROVAL_PENDING']))
    for (let index = 0; index < 30; index++) await test.facts.next('approval.requested', 'eager')
    const last = await publish(agent, 'one too many')
    assert.deepEqual([last.status, last.reason], [403, 'TOO_MANY_PENDING'])
    assert.deepEqual(new Set((await Promise.all(held)).map(({ reason }) => reason)), new Set(['APPROVAL_PENDING']))
  })
})

async function stateOf({ gateway }: TestGateway, approval: string): Promise<string> {
  const shown = await gateway.approval.admin.show(approval)
  return isRefusal(shown) ? shown.reason : shown.approval.state
}

async function deny({ gateway }: TestGateway, approval: string): Promise<void> {
  const shown = await gateway.approval.admin.show(approval)
  assert.ok(!isRefusal(shown))
  await gateway.approval.admin.decide(gateway.terminal.decide({ approval, digest: shown.approval.digest, verdict: 'deny' }, 'ada'))
}
