import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { startBalancer, type Balancer } from '../testing/balancer.ts'
import { ALLOW, ASK_TO_PUBLISH, message, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { startLossyLink, type LossyLink } from '../testing/lossy-link.ts'
import type { ServiceProcess } from '../testing/service-process.ts'

const PROXIES = 5
const CLAIMS = '/v1/service/claims'
const COMPLETIONS = '/v1/service/completions'
const RECEIPTS = '/v1/service/receipts'

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: many proxies behind one address, and links that break', function (emulators) {
  this.timeout(60_000)
  let edition: CloudEdition
  let proxies: readonly ServiceProcess[]
  /** What the last proxy reads the store through. */
  let link: Balancer
  /** What a further proxy reaches the approval service through. */
  let lossy: LossyLink
  let deaf: ServiceProcess
  before(async () => {
    const { host: firestore, projectId } = emulators('firestore')
    edition = await openCloudEdition({ firestore, pubsub: emulators('pubsub').host, projectId, rules: [ALLOW, ASK_TO_PUBLISH] })
    link = await startBalancer([Number(firestore.split(':').at(-1))])
    await edition.startInner()
    const behindLink = { emulators: { firestore: new URL(link.origin).host, pubsub: emulators('pubsub').host } }
    proxies = await Promise.all(Array.from({ length: PROXIES }, (_, index) => edition.start('proxy', { as: `proxy-${index}`, ...index === PROXIES - 1 ? { parts: behindLink } : {} })))
    lossy = await startLossyLink(() => edition.services.get('approval')?.origin ?? '')
    deaf = await edition.start('proxy', { as: 'proxy-deaf', parts: { approval: { origin: lossy.origin } } })
  })
  after(async () => {
    await link.close()
    await edition.close()
    await lossy.close()
  })

  /** Asks each proxy by itself until all give that answer; resolves with the ms that the slowest took. */
  const untilAll = async (agent: string, wanted: (reason: string | undefined, status: number) => boolean, which = proxies): Promise<number> => {
    const began = performance.now()
    await Promise.all(which.map(async ({ origin }, index) => {
      const one = await edition.agent(agent, origin)
      for (;;) {
        const { reason, status } = await one.post(`${PROJECT_POLICY}:getIamPolicy`, {})
        if (wanted(reason, status)) return
        assert.ok(performance.now() - began < 20_000, `proxy ${index} still answers ${status} ${reason}`)
        await sleep(20)
      }
    }))
    return performance.now() - began
  }

  for (const count of [2, PROXIES]) {
    it(`invariant 5: equal calls at ${count} proxies share one request, one run and one receipt`, async () => {
      const few = await startBalancer(proxies.slice(0, count).map(({ port }) => port))
      const id = `shared-${count}`
      const agent = await edition.agent(id, few.origin)
      const before = published(edition)
      const change = (): ReturnType<typeof agent.post> => agent.post(`${TOPIC}:publish`, message(id))
      const calls = Array.from({ length: count * 2 }, change)
      const request = await edition.approval(id, 'pending')
      await edition.decide(request, 'ada')
      const answers = await Promise.all(calls)
      // A call that asked a moment too late for the hold asks again, as its text says.
      const settled = await Promise.all(answers.map((answer) => answer.status === 428 ? change() : answer))
      assert.deepEqual(settled.map(({ status }) => status), settled.map(() => 200))
      assert.equal(new Set(settled.map(({ text }) => text)).size, 1)
      assert.equal(published(edition) - before, 1)
      const { approvals } = await edition.ask<{ readonly approvals: readonly { readonly id: string, readonly state: string }[] }>('approval', `/v1/approvals?agent=${id}`)
      assert.deepEqual(approvals.map((one) => [one.id, one.state]), [[request.id, 'answered']])
      await few.close()
    })
  }

  const approved = async (id: string) => {
    const agent = await edition.agent(id, deaf.origin)
    const call = (): ReturnType<typeof agent.post> => agent.post(`${TOPIC}:publish`, message(id))
    const first = call()
    await edition.decide(await edition.approval(id, 'pending'), 'ada')
    return { call, first: await first }
  }

  it('invariant 5: the answer to a claim, to its completion and to the reading of the receipt may each be lost once: one run, one answer', async () => {
    for (const path of [CLAIMS, COMPLETIONS, RECEIPTS]) lossy.lose(path, 1)
    const before = published(edition)
    const { call, first } = await approved('lossy')
    assert.equal(first.status, 200, first.text)
    const again = await call()
    assert.deepEqual([again.status, again.text, published(edition) - before], [200, first.text, 1])
    assert.deepEqual([CLAIMS, COMPLETIONS, RECEIPTS].map((path) => lossy.asked(path)), [2, 2, 2])
    await edition.approval('lossy', 'answered')
  })

  it('invariant 5: a claim whose answers are all lost runs nothing, is given back, and the approval stands', async () => {
    lossy.lose(CLAIMS, 2)
    const before = published(edition)
    const { call, first } = await approved('deaf')
    assert.deepEqual([first.status, first.reason, published(edition) - before], [503, 'APPROVAL_UNAVAILABLE', 0])
    await edition.approval('deaf', 'approved')
    const again = await call()
    assert.deepEqual([again.status, published(edition) - before], [200, 1])
  })

  it('invariant 11: a lock holds on every proxy within 1 s', async () => {
    await untilAll('stopped', (_reason, status) => status === 200)
    await edition.ask('approval', '/v1/locks', { scope: { kind: 'agent', agent: 'stopped' }, reason: 'test', by: 'somebody else' })
    const ms = await untilAll('stopped', (reason) => reason === 'AGENT_LOCKED')
    assert.ok(ms < 1_000, `${ms} ms`)
    const { locks } = await edition.ask<{ readonly locks: readonly { readonly by: string }[] }>('approval', '/v1/locks')
    assert.deepEqual(locks.map(({ by }) => by), ['kim@acme.example'], 'who locks is who the token says')
  })

  it('a policy is in force on every proxy within 1 s of its publication', async () => {
    const version = async (): Promise<string | undefined> => (await edition.ask<{ readonly pointer?: { readonly version: string } }>('policy', '/v1/policy/current')).pointer?.version
    const before = await version()
    await edition.writePolicies([ALLOW, ASK_TO_PUBLISH, { name: 'no-policies', methods: ['*.getIamPolicy'], effect: 'deny' }])
    while (await version() === before) await sleep(20)
    const ms = await untilAll('denied', (reason) => reason === 'POLICY_DENIED')
    assert.ok(ms < 1_000, `${ms} ms`)
  })

  it('invariant 11: a proxy that is cut off refuses everything once its view is 5 s old, and the others go on', async () => {
    await edition.writePolicies([ALLOW])
    await untilAll('steady', (_reason, status) => status === 200)
    await link.close()
    const cutOff = proxies.slice(-1)
    const ms = await untilAll('steady', (reason) => reason === 'POLICY_STALE', cutOff)
    assert.ok(ms > 3_000 && ms < 7_500, `${ms} ms`)
    await untilAll('steady', (_reason, status) => status === 200, proxies.slice(0, -1))
    assert.equal((await fetch(`${cutOff[0]?.origin}/healthz`)).status, 200)
  })
})
