/** One call from its agent to the approver's answer and its outcome is one trace, and nothing secret is in it. Over OTLP/HTTP, as a collector takes it. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { readSettingsFile } from '@lockkeeper/service-kit'
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '@lockkeeper/testkit'
import { z } from 'zod'
import type { TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, CUSTOMERS, TOPIC } from '../testing/calls.ts'
import { secretsIn } from '../testing/secret-search.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const AGENTS = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', id: '00f067aa0ba902b7' }
const BODY_CANARY = 'bodyCANARY7f3a'

const names = z.array(z.string())
const collectorSchema = z.looseObject({
  receivers: z.looseObject({}), exporters: z.looseObject({}), processors: z.looseObject({ redaction: z.looseObject({ allowed_keys: names, blocked_values: names }) }),
  service: z.looseObject({ pipelines: z.record(z.string(), z.strictObject({ receivers: names, processors: names, exporters: names })) }),
})

describe('scenario: telemetry', () => {
  let receiver: OtlpReceiver
  let test: TestGateway
  let agent: TestAgent
  let approval: string
  let statuses: readonly number[]
  const named = (name: string): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.name === name)
  const callOf = (method: string, reason?: string): ReceivedSpan => {
    const found = named('lockkeeper.call').find(({ facts }) => facts['lockkeeper.method'] === method && facts['lockkeeper.reason'] === reason)
    assert.ok(found !== undefined, `no call ${method} ${reason ?? ''}`)
    return found
  }

  before(async () => {
    receiver = await startOtlpReceiver()
    test = await startTestGateway({ policies: [ASK_TO_PUBLISH, { name: 'no-delete', methods: ['storage.buckets.delete'], effect: 'deny' }, ALLOW], config: ({ upstream }) => ({
      telemetry: { otlp: receiver.endpoint, sampleRatio: 1 },
      targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } }],
    }) })
    agent = await test.agent('tracer')
    const { token } = agent
    const traceparent = `00-${AGENTS.trace}-${AGENTS.id}-01`
    const read = await agent.get(BUCKETS, { headers: { traceparent } })
    const denied = await agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/some-bucket')
    const waiting = agent.post(`${TOPIC}:publish`, { messages: [{ data: Buffer.from(BODY_CANARY).toString('base64'), attributes: { note: BODY_CANARY } }] })
    approval = await test.decide('tracer', 'approve', `because of ${BODY_CANARY}`)
    const published = await waiting
    const odd = await Promise.all([
      agent.get(`${BUCKETS}&access_token=${token}`), agent.get(`${CUSTOMERS}?prefix=${token}`), agent.get(BUCKETS, { headers: { traceparent: token } }),
      agent.get(BUCKETS, { headers: { authorization: `Bearer ${token}x`, traceparent: `00-${AGENTS.trace}` } }), agent.call('POST', 'storage.googleapis.com/storage/v1/b?project=sandbox-project', { body: { name: token } }),
    ])
    statuses = [read, denied, published, ...odd].map(({ status }) => status)
    await test.outcomes()
    await test.close()
  })
  after(() => receiver.close())

  it('the calls ended as without it', () => assert.deepEqual(statuses, [200, 403, 200, 400, 400, 400, 401, 400]))

  it('a call from request to approver\'s answer and outcome is one trace, across the bus', () => {
    const call = callOf('pubsub.projects.topics.publish')
    const trace = receiver.spans.filter((span) => span.trace === call.trace)
    const [hold] = trace.filter(({ name }) => name === 'lockkeeper.hold')
    const [intake] = trace.filter(({ name }) => name === 'lockkeeper.approval.intake')
    const [decision] = trace.filter(({ name }) => name === 'lockkeeper.approval.decide')
    const [claim] = trace.filter(({ name }) => name === 'lockkeeper.claim')
    const [upstream] = trace.filter(({ name }) => name === 'lockkeeper.upstream')
    assert.deepEqual(trace.map(({ name }) => name).sort(), ['lockkeeper.approval.decide', 'lockkeeper.approval.intake', 'lockkeeper.call', 'lockkeeper.claim', 'lockkeeper.hold', 'lockkeeper.upstream'])
    assert.deepEqual([hold, intake, claim, upstream].map((span) => span?.parent), Array(4).fill(call.id))
    assert.equal(decision?.parent, intake?.id)
    assert.deepEqual([hold, decision, claim].map((span) => span?.facts['lockkeeper.approval']), Array(3).fill(approval))
    assert.deepEqual([hold, decision, claim].map((span) => span?.facts['lockkeeper.outcome']), ['approved', 'approved', 'taken'])
    const { facts } = call
    assert.deepEqual([facts['lockkeeper.effect'], facts['lockkeeper.result'], facts['http.response.status_code'], facts['lockkeeper.approval'], facts['lockkeeper.agent']], ['approve', 'answered', 200, approval, 'tracer'])
    assert.match(String(facts['lockkeeper.record']), /^rec_/)
    assert.equal(upstream?.facts['http.response.status_code'], 200)
    assert.ok(hold !== undefined && decision !== undefined && claim !== undefined && upstream !== undefined && intake !== undefined)
    const moments = [call.start, hold.start, decision.start, hold.end, claim.start, claim.end, upstream.start, upstream.end, call.end]
    // Some moments come from a clock of milliseconds and some from one of nanoseconds: the two differ by up to 2 ms.
    for (const [index, moment] of moments.entries()) assert.ok(moment + 2_000_000n >= (moments[index - 1] ?? moment), `moment ${index} is out of the order in which it happened`)
  })

  it('the guards that let a call pass are events of its span, and a released hold begins again', () => {
    assert.deepEqual(callOf('storage.buckets.list').events, ['verified', 'classified', 'unlocked', 'decided', 'granted', 'credential', 'claimed', 'intent'])
    assert.deepEqual(callOf('storage.buckets.delete', 'POLICY_DENIED').events, ['verified', 'classified', 'unlocked'])
    assert.deepEqual(callOf('pubsub.projects.topics.publish').events.filter((name) => name === 'verified').length, 2)
  })

  it('an agent\'s trace context is a link and no parent, and a malformed one is nothing', () => {
    const { parent, trace, links } = callOf('storage.buckets.list')
    assert.equal(parent, '')
    assert.notEqual(trace, AGENTS.trace)
    assert.deepEqual(links, [AGENTS])
    assert.equal(receiver.spans.filter((span) => span.links.length > 0).length, 1)
  })

  it('metrics tell of decisions, claims, holds, upstreams, views and the log, and name no agent, resource or URL', () => {
    const value = (metric: string, labels: Readonly<Record<string, unknown>> = {}): number | undefined => receiver.points.findLast((point) => point.metric === metric && Object.entries(labels).every(([name, wanted]) => point.labels[name] === wanted))?.value
    assert.equal(value('lockkeeper.decisions', { 'lockkeeper.effect': 'approve', 'lockkeeper.method': 'pubsub.projects.topics.publish' }), 1)
    assert.equal(value('lockkeeper.decisions', { 'lockkeeper.effect': 'deny', 'lockkeeper.reason': 'POLICY_DENIED' }), 1)
    assert.equal(value('lockkeeper.claims', { 'lockkeeper.outcome': 'taken' }), 1)
    assert.equal(value('lockkeeper.hold.duration', { 'lockkeeper.outcome': 'approved' }), 1)
    assert.equal(value('lockkeeper.approval.decisions', { 'lockkeeper.verdict': 'approve', 'lockkeeper.outcome': 'approved' }), 1)
    assert.equal(value('lockkeeper.approval.wait'), 1)
    assert.equal(value('http.client.request.duration', { 'http.response.status_code': 200, 'lockkeeper.target': 'google', 'http.request.method': 'GET' }), 1)
    assert.equal(receiver.points.filter(({ metric }) => metric === 'http.server.request.duration').reduce((sum, point) => sum + point.value, 0), statuses.length)
    for (const metric of ['lockkeeper.call.added', 'lockkeeper.holds', 'lockkeeper.calls.open', 'lockkeeper.records.queued', 'lockkeeper.audit.lag', 'lockkeeper.audit.silence', 'lockkeeper.events.dead', 'lockkeeper.policy.problems']) assert.ok(value(metric) !== undefined, metric)
    const labels = new Set(receiver.points.flatMap((point) => Object.keys(point.labels)))
    assert.deepEqual([...labels].filter((name) => !['http.request.method', 'http.response.status_code', 'error.type', 'lockkeeper.effect', 'lockkeeper.reason', 'lockkeeper.method', 'lockkeeper.target', 'lockkeeper.outcome', 'lockkeeper.verdict', 'lockkeeper.view'].includes(name)), [])
    assert.doesNotMatch(JSON.stringify(receiver.points), /tracer|buckets\/|https?:|sandbox-project/)
  })

  it('what the gateway adds to a call is its time without that of upstream and person', () => {
    const { start, end } = callOf('pubsub.projects.topics.publish')
    const added = receiver.points.findLast(({ metric, labels }) => metric === 'lockkeeper.call.added' && labels['lockkeeper.effect'] === 'approve')
    assert.ok(added?.sum !== undefined && added.sum >= 0 && added.sum < Number(end - start) / 1e6)
  })

  it('the collector\'s configuration lets through everything that is sent, and every part that it names is there', () => {
    const { result } = readSettingsFile(fileURLToPath(new URL('../../../../infra/collector/collector.yaml', import.meta.url)), collectorSchema)
    assert.ok('value' in result)
    const { receivers, processors, exporters, service: { pipelines } } = result.value
    const sent = new Set([...receiver.spans, ...receiver.points].flatMap((item) => Object.keys('facts' in item ? item.facts : item.labels)))
    const resource = [...receiver.requests.map(({ text }) => text).join('').matchAll(/"resource":\{"attributes":\[(.*?)\]/g)].flatMap(([, text]) => [...(text ?? '').matchAll(/"key":"([^"]+)"/g)].map(([, key]) => key ?? ''))
    const allowed = new Set(processors.redaction.allowed_keys)
    assert.ok(resource.includes('service.name'))
    assert.deepEqual([...sent, ...resource].filter((key) => !allowed.has(key)), [])
    for (const pipeline of Object.values(pipelines)) {
      assert.deepEqual([pipeline.receivers.filter((name) => !(name in receivers)), pipeline.processors.filter((name) => !(name in processors)), pipeline.exporters.filter((name) => !(name in exporters))], [[], [], []])
      assert.deepEqual([pipeline.processors[0], pipeline.processors.includes('redaction')], ['memory_limiter', true])
    }
    const blocked = processors.redaction.blocked_values.map((pattern) => new RegExp(pattern))
    for (const secret of [agent.token, `ya29.${'a'.repeat(40)}`, `Bearer ${'b'.repeat(20)}`]) assert.ok(blocked.some((pattern) => pattern.test(secret)))
  })

  it('invariant 3: no agent\'s token, upstream credential, body or approver\'s words stand in a span, a metric or a log line', () => {
    const all = [...receiver.requests.map(({ text, headers }) => text + JSON.stringify(headers)), ...test.logLines].join('\n')
    const secrets = { token: agent.token, half: agent.token.split('.')[2] ?? agent.token, credential: test.upstream.credential, body: BODY_CANARY }
    assert.ok(receiver.requests.length >= 2)
    assert.deepEqual(secretsIn(all, secrets), [])
  })
})
