import assert from 'node:assert/strict'
import type { CredentialReach } from '@lockkeeper/domain/records'
import { call } from '../testing/raw-client.ts'
import { findCanary, GOOGLE_TOKEN, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

describe('a plain read', () => {
  let upstream: TestUpstream
  let test: TestProxy
  const credential: { reach?: () => CredentialReach } = {}
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin, credential })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  it('invariant 3: goes up with the gateway\'s credential, comes back without it, and leaves neither token anywhere', async () => {
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
    assert.equal(answer.status, 200)
    assert.equal(upstream.seen[0]?.headers['authorization'], `Bearer ${GOOGLE_TOKEN}`)
    assert.equal(upstream.seen[0]?.url, '/storage/v1/b/dev')
    const [outcome] = await test.outcomes(1)
    assert.equal(outcome?.result, 'answered')
    assert.equal(findCanary(test.written(), JSON.stringify(answer.rawHeaders), answer.text()), undefined)
  })

  it('invariant 8: a small answer leaves one record, which the agent is told and the upstream\'s own log leads to', async () => {
    const before = test.records.length
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
    const records = test.records.slice(before)
    assert.deepEqual(records.map((one) => one.kind === 'outcome' && [one.result, one.status, one.intent, one.responseBytes]), [['answered', 200, undefined, answer.text().length]])
    assert.equal(answer.headers['x-lockkeeper-record'], records[0]?.id)
    assert.equal(upstream.seen.at(-1)?.headers['x-goog-request-reason'], `lockkeeper/${records[0]?.kind === 'outcome' && records[0].reference}`)
  })

  it('invariant 8: its record says whose credential went up and how far that one reached', async () => {
    const reaches = ['bucket', 'object', 'whole', undefined] as const
    for (const reach of reaches) {
      if (reach === undefined) delete credential.reach
      else credential.reach = () => reach
      await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
    }
    const told = test.records.slice(-4).map((one) => one.kind === 'outcome' && [one.principal, one.credential])
    assert.deepEqual(told, reaches.map((reach) => ['agents@proj.iam.gserviceaccount.com', reach ?? 'whole']))
  })

  it('invariants 1 and 8: when its answer arrives at the agent, the record is durable', async () => {
    for (let round = 0; round < 20; round++) {
      const before = test.records.length
      await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
      assert.equal(test.records.length, before + 1)
    }
  })

  it('invariant 8: an answer that streams has an intent before its first byte and an outcome after its last', async () => {
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.alloc(300_000))
    const before = test.records.length
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev/o/x?alt=media', { headers: test.bearer() })
    while (test.records.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const [intent, outcome] = test.records.slice(before)
    assert.deepEqual([intent?.kind, outcome?.kind === 'outcome' && outcome.intent], ['intent', intent?.id])
    assert.equal(answer.headers['x-lockkeeper-record'], intent?.id)
  })

  it('invariant 8: a read that waits for its answer for a second has an intent by then', async function () {
    this.timeout(5000)
    let end: (() => void) | undefined
    upstream.answer = (_request, response) => { end = () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}') }
    const before = test.records.length
    const waiting = call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
    while (test.records.length === before) await new Promise((resolve) => setTimeout(resolve, 20))
    end?.()
    assert.equal((await waiting).headers['x-lockkeeper-record'], test.records[before]?.id)
    while (test.records.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(test.records.slice(before).map((one) => [one.kind, one.kind === 'outcome' && one.intent]), [['intent', false], ['outcome', test.records[before]?.id]])
  })

  it('invariant 8: a read that fails upstream has its one record too', async () => {
    upstream.answer = (_request, response) => void response.destroy()
    const before = test.records.length
    assert.equal((await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })).status, 502)
    while (test.records.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(test.records.slice(before).map((one) => one.kind === 'outcome' && [one.result, one.intent, one.reference?.startsWith('call_')]), [['failed', undefined, true]])
  })

  it('invariants 1 and 8: an answer that could not leave, because its record was not durable in time, is corrected in the log', async () => {
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    const before = test.records.length
    test.log = 'hang'
    assert.equal((await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })).reason(), 'AUDIT_UNAVAILABLE')
    test.log = 'take'
    while (test.records.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 10))
    const [told, correction] = test.records.slice(before)
    assert.deepEqual([told, correction].map((one) => one?.kind === 'outcome' && [one.result, one.intent]), [['answered', undefined], ['refused', told?.id]])
  })
})
