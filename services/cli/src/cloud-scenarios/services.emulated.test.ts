import assert from 'node:assert/strict'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import type { LogReport } from '@lockkeeper/transparency-log'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { ALLOW, ASK_TO_PUBLISH, message, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: services as processes', function (emulators) {
  this.timeout(60_000)
  let edition: CloudEdition
  let origin: string
  before(async () => {
    const { host: firestore, projectId } = emulators('firestore')
    edition = await openCloudEdition({ firestore, pubsub: emulators('pubsub').host, projectId, rules: [ALLOW, ASK_TO_PUBLISH] })
    await edition.startInner()
    origin = (await edition.start('proxy')).origin
  })
  after(() => edition.close())

  it('a read goes through', async () => {
    const agent = await edition.agent('reader', origin)
    const answer = await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})
    assert.equal(answer.status, 200, answer.text)
  })

  it('invariant 5: a change waits, is approved over the bus, runs once, and the same call again gets its receipt', async () => {
    const agent = await edition.agent('changer', origin)
    const before = published(edition)
    const change = (): ReturnType<typeof agent.post> => agent.post(`${TOPIC}:publish`, message('one'))
    const first = change()
    const request = await edition.approval('changer', 'pending')
    await edition.decide(request, 'ada')
    const answer = await first
    assert.equal(answer.status, 200, answer.text)
    const again = await change()
    assert.deepEqual([again.status, again.text, published(edition) - before], [200, answer.text, 1])
    assert.ok(again.headers['x-lockkeeper-receipt'] !== undefined)
    assert.equal((await edition.approval('changer', 'answered')).id, request.id)
  })

  it('invariant 8: the log verifies and holds every call', async () => {
    const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
    assert.deepEqual([report.ok, report.problems], [true, []])
    const { records } = await edition.ask<{ readonly records: readonly { readonly kind: string, readonly origin: string }[] }>('audit', '/v1/audit/records?limit=1000')
    assert.equal(records.filter(({ kind, origin: from }) => kind === 'outcome' && from === 'agent').length, edition.heard.sent)
  })
})
