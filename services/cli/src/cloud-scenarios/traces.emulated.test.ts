/** One call from its agent over Pub/Sub to the approver's click and its run is one trace, over all processes of the Google Cloud edition. */
import assert from 'node:assert/strict'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { startOtlpReceiver, startSlackServer, type OtlpReceiver, type ReceivedSpan, type SlackServer } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { ASK_TO_PUBLISH, message, PROJECT_POLICY, TOPIC } from '../testing/calls.ts'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { clickInSlack, SLACK } from '../testing/slack-people.ts'

const SERVICES = ['approval', 'policy', 'audit', 'notifier', 'proxy'] as const
const TOLD: RuleDocument = { name: 'told', methods: ['cloudresourcemanager.projects.getIamPolicy'], effect: 'allow', notify: true }
const AGENTS = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', id: '00f067aa0ba902b7' }

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: one trace over all services', function (emulators) {
  this.timeout(60_000)
  let receiver: OtlpReceiver
  let slack: SlackServer
  let edition: CloudEdition
  let approval: string
  let spans: readonly ReceivedSpan[]
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => closing ??= edition.close()
  const named = (name: string): readonly ReceivedSpan[] => spans.filter((span) => span.name === `lockkeeper.${name}`)
  const only = (name: string): ReceivedSpan => {
    const [span, ...more] = named(name)
    assert.ok(span !== undefined && more.length === 0, `${named(name).length} spans ${name}`)
    return span
  }

  before(async () => {
    [receiver, slack] = await Promise.all([startOtlpReceiver(), startSlackServer(SLACK.token)])
    const { host: firestore, projectId } = emulators('firestore')
    // None but calls that need a person is kept, and of those everything.
    const telemetry = { telemetry: { otlp: receiver.endpoint, sampleRatio: 0 } }
    edition = await openCloudEdition({ firestore, pubsub: emulators('pubsub').host, projectId, rules: [ASK_TO_PUBLISH, TOLD], slack, settings: Object.fromEntries(SERVICES.map((name) => [name, { ...telemetry, ...name === 'proxy' ? { hold: '30s' } : {} }])) })
    await Promise.all([edition.startInner(), edition.start('notifier')])
    const agent = await edition.agent('traced', (await edition.start('proxy')).origin)
    const waiting = agent.post(`${TOPIC}:publish`, message('traced'), { headers: { traceparent: `00-${AGENTS.trace}-${AGENTS.id}-01` } })
    approval = (await edition.approval('traced', 'pending')).id
    const shows = (wanted: RegExp): Promise<unknown> => slack.messages.until((items) => items.some(({ blocks }) => JSON.stringify(blocks).includes(approval) && wanted.test(JSON.stringify(blocks))), 20_000)
    await shows(/lockkeeper\.approve/)
    assert.equal(await clickInSlack({ origin: edition.services.get('notifier')?.origin ?? '', at: Date.now() }, slack, approval, { member: 'U0ADA' }), 200)
    const answer = await waiting
    assert.equal(answer.status, 200, answer.text)
    await shows(/Done at/)
    assert.equal((await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})).status, 200)
    await slack.messages.until((items) => items.some(({ text }) => text.includes('Let through by policy')), 20_000)
    await close()
    const { trace } = receiver.spans.find(({ name }) => name === 'lockkeeper.call') ?? {}
    spans = receiver.spans.filter((span) => span.trace === trace)
  })
  after(async () => {
    await close()
    await Promise.all([receiver.close(), slack.close()])
  })

  it('each service has its part in it, and nothing of any service stands in a trace of its own', () => {
    assert.deepEqual([...new Set(spans.map(({ service }) => service))].sort(), ['lockkeeper-approval', 'lockkeeper-notifier', 'lockkeeper-proxy'])
    assert.deepEqual(receiver.spans.filter((span) => !spans.includes(span)), [])
    assert.deepEqual(slack.broken, [])
  })

  it('a call that a rule tells of has reached the channel over the log and Pub/Sub', () => {
    const told = slack.messages.items.filter(({ text }) => text.includes('Let through by policy'))
    assert.equal(told.length, 1)
    assert.match(JSON.stringify(told[0]?.blocks), /getIamPolicy.*: status 200 \(run \S+, rec_/)
  })

  it('the agent\'s context is a link of its root and no parent', () => {
    const call = only('call')
    assert.deepEqual([call.parent, call.links], ['', [AGENTS]])
  })

  it('the request, what tells of it and the answer hang on the call, over the bus and back', () => {
    const call = only('call')
    const intake = only('approval.intake')
    assert.deepEqual(['hold', 'approval.intake', 'claim', 'upstream'].map((name) => only(name).parent), Array(4).fill(call.id))
    assert.equal(only('approval.decide').parent, intake.id)
    const told = named('notifier.intake')
    assert.deepEqual(told.map(({ parent }) => parent), told.map(() => intake.id))
    assert.deepEqual(told.map(({ facts }) => facts['lockkeeper.event']).sort(), ['approval.approved', 'approval.claimed', 'approval.completed', 'approval.requested'])
  })

  it('every part names the approval and how it went', () => {
    assert.deepEqual(['call', 'hold', 'approval.decide', 'claim'].map((name) => only(name).facts['lockkeeper.approval']), Array(4).fill(approval))
    assert.deepEqual([only('hold'), only('approval.decide'), only('claim')].map(({ facts }) => facts['lockkeeper.outcome']), ['approved', 'approved', 'taken'])
    assert.equal(only('upstream').facts['http.response.status_code'], 200)
    assert.deepEqual(spans.filter(({ error }) => error !== undefined), [])
  })
})
