import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, type Response } from '../testing/raw-client.ts'
import { startTestProxy, type TestProxy, type TestProxyOptions } from '../testing/test-proxy.ts'
import { startRawUpstream, startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [
  { name: 'ask', methods: ['storage.buckets.patch', 'storage.buckets.delete'], effect: 'approve' },
  { name: 'ask-masked', methods: ['storage.buckets.insert'], effect: 'approve', mask: ['personal-data'] }, { name: 'rest', methods: ['*'], effect: 'allow' },
]
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev'

describe('approved calls', () => {
  let upstream: TestUpstream
  let test: TestProxy
  const open = async (options: Partial<TestProxyOptions> = {}): Promise<void> => {
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, ...options })
    test.desk.verdict = 'approved'
  }
  beforeEach(async () => { upstream = await startUpstream() })
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
  })
  const patch = (body = '{"labels":{"a":"b"}}'): Promise<Response> => call(test.origin, BUCKET, { method: 'PATCH', headers: { ...test.bearer(), 'content-type': 'application/json' }, body })
  const answerWith = (body: string | Buffer, status = 200, type = 'application/json'): void => {
    upstream.answer = (_request, response) => void response.writeHead(status, { 'content-type': type }).end(body)
  }

  it('invariant 5: run once, and the same call again gets the receipt', async () => {
    await open()
    answerWith('{"id":"dev"}')
    const first = await patch()
    const second = await patch()
    assert.deepEqual([first.text(), second.text(), upstream.seen.length], ['{"id":"dev"}', '{"id":"dev"}', 1])
    assert.ok(first.headers['x-lockkeeper-receipt'] === undefined && second.headers['x-lockkeeper-receipt'] !== undefined)
    const outcomes = await test.outcomes(2)
    assert.deepEqual(outcomes.map(({ result }) => result), ['answered', 'receipt'])
    assert.deepEqual(test.desk.outcomes.map(({ kind }) => kind), ['answered'])
  })

  it('invariant 5: five at once are one dial, and all get its answer', async () => {
    await open()
    answerWith('{"id":"dev"}')
    const answers = await Promise.all(Array.from({ length: 5 }, () => patch()))
    assert.deepEqual([new Set(answers.map((one) => one.text())).size, upstream.seen.length], [1, 1])
  })

  it('the receipt is what the agent saw: masked', async () => {
    await open()
    answerWith('{"owner":"jane.doe@example.com"}')
    const insert = (): Promise<Response> => call(test.origin, '/storage.googleapis.com/storage/v1/b?project=p', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"x"}' })
    const [first, second] = [await insert(), await insert()]
    assert.ok(!first.text().includes('jane'))
    assert.equal(second.text(), first.text())
    const [outcome] = test.desk.outcomes
    assert.ok(outcome?.kind === 'answered' && outcome.answer !== undefined && !Buffer.from(outcome.answer.body).includes('jane'))
  })

  it('an answer over the limit streams, and its receipt has no body', async () => {
    await open({ limits: { inspectBody: 100_000 } })
    answerWith(Buffer.alloc(300_000, 120))
    assert.equal((await patch()).body.length, 300_000)
    assert.deepEqual(test.desk.outcomes, [{ kind: 'answered', status: 200, delivered: false }])
  })

  it('429 gives the right to dial back: the next time it is sent', async () => {
    await open()
    answerWith('{}', 429)
    assert.equal((await patch()).status, 429)
    answerWith('{"ok":true}')
    assert.equal((await patch()).text(), '{"ok":true}')
    assert.deepEqual(test.desk.outcomes.map(({ kind }) => kind), ['not_sent', 'answered'])
  })

  for (const [status, kind] of [[400, 'answered'], [404, 'answered'], [412, 'answered'], [500, 'unknown'], [503, 'unknown']] as const) {
    it(`a status of ${status} is ${kind}`, async () => {
      await open()
      answerWith('{"error":{}}', status)
      assert.equal((await patch()).status, status)
      assert.deepEqual(test.desk.outcomes.map((one) => one.kind), [kind])
    })
  }

  it('invariant 5: an upstream that breaks off is unknown, and the call is never sent again by itself', async () => {
    const raw = await startRawUpstream((socket) => socket.resetAndDestroy())
    await open({ upstream: raw.origin })
    const [first, second] = [await patch(), await patch()]
    assert.deepEqual([first.reason(), second.reason(), raw.received.length], ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', 1])
    assert.equal((await test.outcomes(1))[0]?.result, 'unknown')
    await raw.stop()
  })

  it('an answer that the gateway holds back was an answer: the call has run', async () => {
    await open()
    answerWith('jane', 200, 'application/octet-stream')
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b?project=p', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"x"}' })
    assert.equal(answer.reason(), 'CANNOT_MASK')
    assert.deepEqual(test.desk.outcomes, [{ kind: 'answered', status: 200, delivered: false }])
  })

  it('an upstream that cannot be reached gives the right back', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await open({ upstream: `http://127.0.0.1:${port}`, rules: [{ name: 'ask', methods: ['storage.buckets.patch'], effect: 'approve', approval: { state: 'best-effort' } }] })
    assert.equal((await patch()).reason(), 'UPSTREAM_UNREACHABLE')
    assert.deepEqual(test.desk.outcomes.map(({ kind }) => kind), ['not_sent'])
  })

  it('invariant 5: a right that ends before a connection is ready is given back, and nothing is sent', async () => {
    await open()
    test.desk.dialWithinMs = -1
    assert.equal((await patch()).reason(), 'UPSTREAM_UNREACHABLE')
    assert.deepEqual([test.desk.outcomes.map(({ kind }) => kind), upstream.seen.length], [['not_sent'], 0])
  })

  it('an approval service that is down when the outcome is told does not keep the answer', async () => {
    await open()
    answerWith('{}')
    test.desk.down = ['complete', 'delivered']
    assert.equal((await patch()).status, 200)
    assert.equal((await test.outcomes(1))[0]?.result, 'answered')
    assert.ok(test.logLines.some((line) => line.includes('will show as unknown')))
  })

  it('a receipt whose delivery cannot be noted is a receipt still', async () => {
    await open()
    answerWith('{}')
    await patch()
    test.desk.down = ['delivered']
    assert.equal((await patch()).headers['x-lockkeeper-receipt'] === undefined, false)
    assert.equal((await test.outcomes(2))[1]?.result, 'receipt')
  })

  it('a client that leaves an approved change does not cancel it, and finds the receipt', async () => {
    await open()
    let answer: (() => void) | undefined
    upstream.answer = (_request, response) => { answer = () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"dev"}') }
    const gone = patch().catch(() => 'gone')
    while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    const again = patch()
    answer()
    await gone
    assert.equal((await again).text(), '{"id":"dev"}')
    assert.equal(upstream.seen.length, 1)
  })

  it('invariant 1: the intent of an approved call is durable before the dial', async () => {
    await open()
    let before: readonly string[] = []
    upstream.answer = (_request, response) => {
      before = test.records.map(({ kind }) => kind)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    }
    await patch()
    assert.ok(before.includes('intent'))
  })

  it('invariant 13: one that nobody has decided is 428 and says that it is no denial', async () => {
    await open({ settings: { holdMs: 50 } })
    test.desk.verdict = undefined
    const answer = await patch()
    assert.deepEqual([answer.status, answer.reason()], [428, 'APPROVAL_PENDING'])
    assert.match(answer.text(), /Nothing has run, and nobody has denied it/)
    assert.equal(upstream.seen.length, 0)
  })
})
