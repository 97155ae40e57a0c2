/** What is kept where almost nothing is: every call that waits for a person, joined to the trace of the request that it waits with. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startOtlpReceiver, type OtlpReceiver } from '@lockkeeper/testkit'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, TOPIC } from '../testing/calls.ts'
import { decideAtTerminal } from '../gateway/decide-at-terminal.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const HEADER = ['Bearer', 'receiver-secret-0123456789'].join(' ')

describe('scenario: telemetry with a sample ratio of 0', () => {
  let receiver: OtlpReceiver
  let test: TestGateway
  const calls = () => receiver.spans.filter(({ name }) => name === 'lockkeeper.call')

  before(async () => {
    receiver = await startOtlpReceiver()
    test = await startTestGateway({ policies: [ASK_TO_PUBLISH, ALLOW], config: async ({ upstream, directory }) => {
      await mkdir(join(directory, 'secrets'), { mode: 0o700 })
      await writeFile(join(directory, 'secrets', 'otlp-headers'), `Authorization: ${HEADER}\n`, { mode: 0o600 })
      return {
        secrets: './secrets', telemetry: { otlp: receiver.endpoint, sampleRatio: 0, headersSecret: 'otlp-headers' },
        targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } }],
      }
    } })
    const agent = await test.agent('patient')
    await agent.get(BUCKETS, { headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } })
    const leaving = new AbortController()
    const first = agent.post(`${TOPIC}:publish`, message('once'), { signal: leaving.signal }).catch((error: Error) => error.name)
    const { approval } = await test.facts.next('approval.requested', 'patient')
    leaving.abort()
    assert.equal(await first, 'AbortError')
    const second = agent.post(`${TOPIC}:publish`, message('once'))
    await test.gateway.audit.flush()
    await decideAtTerminal(test.gateway, 'ada', approval, 'approve')
    assert.equal((await second).status, 200)
    await test.outcomes()
    await test.close()
  })
  after(() => receiver.close())

  it('a plain call leaves no span, whatever its agent asks for, and is counted all the same', () => {
    assert.deepEqual([...new Set(calls().map(({ facts }) => facts['lockkeeper.method']))], ['pubsub.projects.topics.publish'])
    assert.ok(receiver.points.some(({ metric, labels }) => metric === 'lockkeeper.decisions' && labels['lockkeeper.method'] === 'storage.buckets.list'))
  })

  it('a call that waits for a person is kept whole, also when its agent leaves', () => {
    assert.deepEqual(calls().map(({ facts }) => facts['lockkeeper.result']).sort(), ['answered', 'refused'])
    const trace = calls().find(({ facts }) => facts['lockkeeper.result'] === 'refused')?.trace
    assert.deepEqual(receiver.spans.filter((span) => span.trace === trace).map(({ name }) => name).sort(), ['lockkeeper.approval.decide', 'lockkeeper.approval.intake', 'lockkeeper.call', 'lockkeeper.hold'])
  })

  it('the same call sent again has a trace of its own that links to the one in which the request was decided', () => {
    const [asked, again] = ['refused', 'answered'].map((result) => calls().find(({ facts }) => facts['lockkeeper.result'] === result))
    assert.notEqual(again?.trace, asked?.trace)
    assert.deepEqual(again?.links.map(({ trace }) => trace), [asked?.trace])
  })

  it('the receiver is shown the headers of the secret', () => assert.deepEqual([...new Set(receiver.requests.map(({ headers }) => headers.authorization))], [HEADER]))

  it('invariant 3: which stand in no log line and in nothing that is sent', () => {
    assert.doesNotMatch([...receiver.requests.map(({ text }) => text), ...test.logLines].join('\n'), /receiver-secret/)
  })
})
