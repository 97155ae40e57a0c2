/** Invariants 5, 8 and 10 when services are killed with -9 in the middle of a hold, a claim and a record, and when clocks are off by five minutes. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { createAgent, type Answer, type TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_TO_PUBLISH, message, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { startConsumerLink, type ConsumerLink } from '../testing/consumer-link.ts'
import type { ServiceName, ServiceProcess } from '../testing/service-process.ts'
import { assertSettled, outcomesOf, recordsOnce } from '../testing/settled.ts'
import { monotonicJump, wallClockOff } from '../testing/shifted-clock.ts'

const FIVE_MINUTES = 5 * 60_000
/** Longer than a claim may be silent, shorter than a request may wait. */
const CLAIM_ENDED_MS = 11 * 60_000
/** Longer than a writer may be silent. */
const WRITER_LOST_MS = 61_000

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: killed services and wrong clocks', function (emulators) {
  this.timeout(180_000)
  let edition: CloudEdition
  let link: ConsumerLink
  let first: ServiceProcess
  let second: ServiceProcess
  /** Answers that nobody heard, because the process was killed. */
  let unheard = 0
  before(async () => {
    const { host: firestore, projectId } = emulators('firestore')
    const { host: pubsub } = emulators('pubsub')
    link = await startConsumerLink(pubsub)
    edition = await openCloudEdition({ firestore, pubsub, projectId, rules: [ALLOW, ASK_TO_PUBLISH], settings: { audit: { emulators: { firestore, pubsub: link.host } } } })
    await edition.startInner()
    ;[first, second] = await Promise.all([edition.start('proxy', { as: 'first' }), edition.start('proxy', { as: 'second' })])
  })
  after(async () => {
    await edition.close()
    await link.close()
  })

  const read = (agent: TestAgent): Promise<Answer> => agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})
  const change = (agent: TestAgent): Promise<Answer> => agent.post(`${TOPIC}:publish`, message(agent.id))
  /** The same agent at another proxy. */
  const at = ({ id, run, token }: TestAgent, { origin }: ServiceProcess): TestAgent => createAgent({ id, run, token }, () => origin, edition.heard)
  const until = async (call: () => Promise<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> => {
    for (const end = performance.now() + 20_000; ; await sleep(50)) {
      const answer = await call()
      if (wanted(answer)) return answer
      assert.ok(performance.now() < end && [428, 503].includes(answer.status), answer.text)
    }
  }
  const untilRun = (call: () => Promise<Answer>): Promise<Answer> => until(call, ({ status }) => status === 200)
  const again = async (name: ServiceName, preload?: string): Promise<void> => {
    const running = edition.services.get(name) as ServiceProcess
    await running.kill()
    await edition.start(name, { port: running.port, ...preload === undefined ? {} : { preload } })
  }
  const approve = async (agent: TestAgent): Promise<void> => edition.decide(await edition.approval(agent.id, 'pending'), 'ada')

  it('invariant 5: the approval service is killed while a call is held, and the call runs once when it is back', async () => {
    const agent = await edition.agent('held', first.origin)
    const before = published(edition)
    const answer = untilRun(() => change(agent))
    await edition.approval(agent.id, 'pending')
    await again('approval')
    await approve(agent)
    await answer
    assert.equal(published(edition), before + 1)
  })

  it('invariant 5: the approval service is killed between claim and completion, and the call is not sent again', async () => {
    const agent = await edition.agent('claimed', first.origin)
    const before = published(edition)
    const fault = edition.upstream.fail({ match: { path: /:publish$/ }, kind: 'slow-header' })
    const answer = change(agent)
    await approve(agent)
    await fault.hit
    await edition.services.get('approval')?.kill()
    fault.clear()
    assert.equal((await answer).status, 200)
    await again('approval')
    const once = await until(() => change(agent), ({ reason }) => reason !== 'POLICY_STALE' && reason !== 'APPROVAL_UNAVAILABLE')
    assert.ok(once.reason === 'APPROVAL_PENDING' || once.headers['x-lockkeeper-receipt'] !== undefined, once.text)
    assert.equal(published(edition), before + 1)
  })

  it('invariant 5: a proxy is killed while it holds a call, and another one takes the call over', async () => {
    const agent = await edition.agent('moved', first.origin)
    const before = published(edition)
    const held = change(agent).catch(() => { unheard += 1 })
    const request = await edition.approval(agent.id, 'pending')
    await first.kill()
    await held
    const answer = untilRun(() => change(at(agent, second)))
    await edition.decide(request, 'ada')
    await answer
    assert.equal(published(edition), before + 1)
    assert.equal((await edition.approval(agent.id, 'answered')).id, request.id)
  })

  it('invariant 5: a proxy is killed with an approved call on its way, and no other one sends it', async () => {
    first = await edition.start('proxy', { as: 'first' })
    const agent = await edition.agent('lost', first.origin)
    const before = published(edition)
    const fault = edition.upstream.fail({ match: { path: /:publish$/ }, kind: 'slow-header' })
    const sent = change(agent).catch(() => { unheard += 1 })
    await approve(agent)
    await fault.hit
    await first.kill()
    await sent
    fault.clear()
    const answer = await change(at(agent, second))
    assert.deepEqual([answer.status, answer.reason], [428, 'APPROVAL_PENDING'])
    assert.equal(published(edition), before + 1)
  })

  it('invariants 10 and 13: with the issuer\'s keys out of reach known keys serve on, and a proxy that knows none refuses with 503', async () => {
    const agent = await edition.agent('unknown', second.origin)
    assert.equal((await read(agent)).status, 200)
    edition.idp.setOutage(true)
    first = await edition.start('proxy', { as: 'first', preload: wallClockOff(FIVE_MINUTES) })
    const refused = await read(at(agent, first))
    assert.deepEqual([refused.status, refused.reason], [503, 'ISSUER_UNAVAILABLE'])
    assert.equal((await read(agent)).status, 200)
    edition.idp.setOutage(false)
  })

  it('invariant 10: a proxy whose clock is five minutes off takes no token that its clock calls expired or not yet issued, and runs an approved call once', async () => {
    const token = await edition.idp.mintAgentToken({ agent: 'clock', run: 'short', ttlSeconds: 240 })
    const short = createAgent({ id: 'clock', run: 'short', token }, () => first.origin, edition.heard)
    // After an outage the issuer is asked again, but not at once.
    const expired = await until(() => read(short), ({ reason }) => reason !== 'ISSUER_UNAVAILABLE')
    assert.deepEqual([expired.status, expired.reason], [401, 'TOKEN_INVALID'])
    const agent = await edition.agent('clock', first.origin)
    const before = published(edition)
    const answer = untilRun(() => change(agent))
    await approve(agent)
    await answer
    assert.equal(published(edition), before + 1)
    const behind = await edition.start('proxy', { as: 'behind', preload: wallClockOff(-FIVE_MINUTES) })
    const early = await read(at(agent, behind))
    assert.deepEqual([early.status, early.reason], [401, 'TOKEN_INVALID'])
  })

  it('invariants 7 and 10: an approval service whose clock is five minutes ahead takes no decision that was made before its request by that clock, and the call is not sent', async () => {
    await again('approval', wallClockOff(FIVE_MINUTES))
    const agent = await edition.agent('early-yes', second.origin)
    const before = published(edition)
    const waiting = until(() => change(agent), ({ reason }) => reason === 'APPROVAL_PENDING')
    await approve(agent)
    await waiting
    assert.equal(published(edition), before)
    await again('approval')
    const other = await edition.agent('right-again', second.origin)
    const answer = untilRun(() => change(other))
    await approve(other)
    await answer
    assert.equal(published(edition), before + 1)
  })

  it('while the policy service is killed calls go on by the policy that a strong read finds in force', async () => {
    const agent = await edition.agent('policy', second.origin)
    await edition.services.get('policy')?.kill()
    for (const end = performance.now() + 7_000; performance.now() < end; await sleep(500)) assert.equal((await read(agent)).status, 200)
    await edition.start('policy')
  })

  it('invariants 5 and 8: afterwards the log verifies and has every call, open changes of killed proxies are unknown, and a silent claim is never taken again', async () => {
    await assertSettled(edition, edition.heard.sent - unheard)
    await Promise.all(['first', 'second', 'behind', 'audit'].map((name) => edition.services.get(name)?.stop()))
    await edition.start('audit', { preload: monotonicJump(WRITER_LOST_MS, 2_000) })
    await again('approval', wallClockOff(CLAIM_ENDED_MS))
    await edition.approval('lost', 'unknown')
    const isUnknown = ({ result, reason }: { readonly result: string, readonly reason?: string }): boolean => result === 'unknown' && reason === 'OUTCOME_UNKNOWN'
    await recordsOnce(edition, (records) => outcomesOf(records, 'lost').some(isUnknown))
    await assertSettled(edition, edition.heard.sent - unheard)
  })

  it('invariant 8: while the audit service is killed calls go on, because their records are safe in Pub/Sub, and its next process records them all', async () => {
    first = await edition.start('proxy', { as: 'first' })
    const agent = await edition.agent('unread', first.origin)
    const reads = async (): Promise<void> => void await Promise.all(Array.from({ length: 20 }, () => untilRun(() => read(agent))))
    // Some are with the killed process, some come while there is none, some when the next one waits for the lease.
    await reads()
    await edition.services.get('audit')?.kill()
    await reads()
    await Promise.all([edition.start('audit'), reads()])
    const recorded = await recordsOnce(edition, (records) => outcomesOf(records, 'unread').length >= 60)
    assert.equal(outcomesOf(recorded, 'unread').length, 60)
  })
})
