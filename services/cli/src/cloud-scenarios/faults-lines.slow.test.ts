/** Invariants 5, 8 and 10 while the lines to Firestore and Pub/Sub are cut, slow or bring everything twice. */
import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeEmulated, faultyLink, type FaultyLink } from '@lockkeeper/testkit/emulators'
import type { Answer, TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_TO_PUBLISH, message, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { republishBatches } from '../testing/republish-batches.ts'
import { assertSettled, outcomesOf } from '../testing/settled.ts'

const UPLOAD = 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name='

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: faults of its lines', function (emulators) {
  this.timeout(180_000)
  let edition: CloudEdition
  let origin: string
  let twice = false
  /** What the proxy and the approval service reach the emulators through. */
  const links = {} as Record<'proxyStore' | 'proxyBus' | 'approvalStore' | 'approvalBus', FaultyLink>
  before(async () => {
    const { host: firestore, projectId } = emulators('firestore')
    const { host: pubsub } = emulators('pubsub')
    for (const name of ['proxyStore', 'proxyBus', 'approvalStore', 'approvalBus'] as const) links[name] = await faultyLink(name.endsWith('Store') ? firestore : pubsub)
    edition = await openCloudEdition({
      firestore, pubsub, projectId, rules: [ALLOW, ASK_TO_PUBLISH], deliverTwice: () => twice,
      settings: { proxy: { emulators: { firestore: links.proxyStore.host, pubsub: links.proxyBus.host } }, approval: { emulators: { firestore: links.approvalStore.host, pubsub: links.approvalBus.host } } },
    })
    await edition.startInner()
    origin = (await edition.start('proxy')).origin
  })
  afterEach(() => { for (const link of Object.values(links)) link.restore() })
  after(async () => {
    await edition.close()
    await Promise.all(Object.values(links).map((link) => link.close()))
  })

  const read = (agent: TestAgent): Promise<Answer> => agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})
  const change = (agent: TestAgent): Promise<Answer> => agent.post(`${TOPIC}:publish`, message(agent.id))
  const upload = (agent: TestAgent): Promise<Answer> => agent.call('POST', UPLOAD + agent.id, { body: 'x', headers: { 'content-type': 'text/plain' } })
  const until = async <T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> => {
    for (const end = performance.now() + 30_000; ; await sleep(25)) {
      const seen = await look()
      if (wanted(seen)) return seen
      assert.ok(performance.now() < end, 'in time')
    }
  }
  /** Sends the call again, as its answers say, until it ran. */
  const untilRun = async (call: () => Promise<Answer>): Promise<Answer> => {
    for (const until = performance.now() + 20_000; ;) {
      const answer = await call()
      if (answer.status === 200) return answer
      assert.ok(performance.now() < until && [428, 503].includes(answer.status), answer.text)
      await sleep(50)
    }
  }
  /** Asks, leaves, and has the request approved. */
  const approved = async (agent: TestAgent): Promise<void> => {
    const leaving = new AbortController()
    agent.post(`${TOPIC}:publish`, message(agent.id), { signal: leaving.signal }).catch(() => undefined)
    const request = await edition.approval(agent.id, 'pending')
    leaving.abort()
    await edition.decide(request, 'ada')
    await edition.approval(agent.id, 'approved')
  }
  const assertRefused = (answer: Answer, reason: string): void => assert.deepEqual([answer.status, answer.reason], [503, reason], answer.text)

  it('invariants 5 and 10: while the approval service has no Firestore an approved call is refused and not sent, and runs once afterwards', async () => {
    const agent = await edition.agent('no-store', origin)
    await approved(agent)
    const before = published(edition)
    links.approvalStore.cut()
    assertRefused(await change(agent), 'APPROVAL_UNAVAILABLE')
    assert.equal(published(edition), before)
    links.approvalStore.restore()
    await untilRun(() => change(agent))
    assert.equal(published(edition), before + 1)
  })

  it('invariant 10: an approval service that starts without its Firestore is alive and not ready, and starts by itself once that is there', async () => {
    const before = edition.services.get('approval')
    await before?.stop()
    links.approvalStore.cut()
    const starting = edition.start('approval', { port: before?.port ?? 0 })
    const now = await until(() => Promise.resolve(edition.services.get('approval')), (service) => service !== before)
    const status = async (path: string): Promise<number> => (await fetch(`${now?.origin}${path}`)).status
    await until(() => Promise.resolve(now?.output() ?? ''), (output) => output.includes('cannot start yet'))
    assert.deepEqual([await status('/healthz'), await status('/readyz')], [200, 503])
    links.approvalStore.restore()
    await starting
    const agent = await edition.agent('started-late', origin)
    await approved(agent)
    await untilRun(() => change(agent))
  })

  it('invariant 5: with a slow Firestore a call waits, is approved and runs once', async () => {
    const agent = await edition.agent('slow-store', origin)
    const before = published(edition)
    links.approvalStore.delay(150)
    links.proxyStore.delay(150)
    const answer = untilRun(() => change(agent))
    await edition.decide(await edition.approval(agent.id, 'pending'), 'ada')
    assert.equal((await answer).status, 200)
    assert.equal(published(edition), before + 1)
  })

  it('invariants 8 and 10: while the proxy has no Pub/Sub nothing is sent or released, and the answers say why', async () => {
    const agents = await Promise.all(['no-bus-read', 'no-bus-upload', 'no-bus-change'].map((id) => edition.agent(id, origin)))
    const [reader, uploader, changer] = agents as [TestAgent, TestAgent, TestAgent]
    const before = edition.upstream.requests.count({ path: /name=no-bus/ }) + published(edition)
    links.proxyBus.cut()
    const answers = await Promise.all([read(reader), upload(uploader), change(changer)])
    assertRefused(answers[0], 'AUDIT_UNAVAILABLE')
    assertRefused(answers[1], 'AUDIT_UNAVAILABLE')
    assertRefused(answers[2], 'APPROVAL_UNAVAILABLE')
    assertRefused(await read(reader), 'AUDIT_UNAVAILABLE')
    assert.equal(edition.upstream.requests.count({ path: /name=no-bus/ }) + published(edition), before)
    links.proxyBus.restore()
    await untilRun(() => read(reader))
    await untilRun(() => upload(uploader))
    assert.equal(edition.upstream.requests.count({ path: /name=no-bus/ }), 1)
  })

  it('a slow Pub/Sub makes calls slow and nothing else', async () => {
    const agent = await edition.agent('slow-bus', origin)
    links.proxyBus.delay(200)
    const began = performance.now()
    assert.equal((await upload(agent)).status, 200)
    assert.ok(performance.now() - began >= 390)
  })

  it('invariant 10: while the approval service has no Pub/Sub its facts wait, and calls run all the same', async () => {
    const agent = await edition.agent('no-facts', origin)
    links.approvalBus.cut()
    const answer = untilRun(() => change(agent))
    await edition.decide(await edition.approval(agent.id, 'pending'), 'ada')
    assert.equal((await answer).status, 200)
    links.approvalBus.restore()
  })

  it('invariants 5 and 8: with every message delivered twice a call is asked for, decided, run and recorded once', async () => {
    const agent = await edition.agent('twice', origin)
    const before = published(edition)
    const copies = await republishBatches(emulators('pubsub').host, emulators('firestore').projectId)
    twice = true
    const answer = untilRun(() => change(agent))
    await edition.decide(await edition.approval(agent.id, 'pending'), 'ada')
    await answer
    await edition.approval(agent.id, 'answered')
    assert.ok(await copies.stop() > 0)
    twice = false
    assert.equal(published(edition), before + 1)
    const { approvals } = await edition.ask<{ readonly approvals: readonly object[] }>('approval', '/v1/approvals?agent=twice')
    assert.equal(approvals.length, 1)
  })

  it('invariant 10: without its upstream credential a call is refused, and its approval is not used up', async () => {
    const agent = await edition.agent('poor', origin)
    const poor = await edition.start('proxy', { as: 'poor', parts: { targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream: edition.upstream.origin, credential: { secret: 'later' } }] } })
    await approved(agent)
    const before = edition.upstream.requests.total
    const there = await edition.agent('poor', poor.origin)
    assertRefused(await change(there), 'CREDENTIAL_UNAVAILABLE')
    assertRefused(await read(there), 'CREDENTIAL_UNAVAILABLE')
    assert.equal(edition.upstream.requests.total, before)
    const secrets = join(edition.directory, 'secrets')
    await rename(join(secrets, 'sandbox-upstream'), join(secrets, 'later'))
    await untilRun(() => change(there))
    assert.equal(published(edition) > 0 && edition.upstream.requests.total, before + 1)
  })

  it('invariants 5 and 8: after all of it the log verifies and has every call, and no approval was dialled twice', async () => {
    // Those that left before they were answered have no answer, but an outcome as well.
    const records = await assertSettled(edition, edition.heard.sent)
    assert.equal(outcomesOf(records, 'twice').length >= 1, true)
    const ids = records.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
  })
})
