import assert from 'node:assert/strict'
import { request as httpRequest, type ClientRequest } from 'node:http'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call } from '../testing/raw-client.ts'
import { startTestProxy, type TestProxy, type TestProxyOptions } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const READ = '/storage.googleapis.com/storage/v1/b/dev'
const UPLOAD = '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=x'
const RULES: readonly RuleDocument[] = [{ name: 'ask', methods: ['storage.buckets.delete', 'storage.buckets.patch', 'bigquery.datasets.insert'], effect: 'approve' }, { name: 'rest', methods: ['*'], effect: 'allow' }]

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 3000
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come to pass within 3 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('calls that end early', () => {
  let upstream: TestUpstream
  let test: TestProxy
  const open = async (options: Partial<TestProxyOptions> = {}): Promise<void> => {
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, ...options })
  }
  beforeEach(async () => { upstream = await startUpstream() })
  const begun: ClientRequest[] = []
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
    // A client that reads nothing never sees that its connection has ended.
    for (const request of begun.splice(0)) request.destroy()
  })
  const begin = (path: string, method = 'GET', headers: Record<string, string> = {}): ClientRequest => {
    const request = httpRequest(test.origin + path, { method, agent: false, headers: { ...test.bearer(), ...headers } })
    request.on('error', () => undefined)
    begun.push(request)
    return request
  }
  const endless = (): void => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      const more = (): void => { while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))); if (!response.destroyed) response.once('drain', more) }
      more()
    }
  }

  describe('because the client leaves', () => {
    it('while a change waits for its record: it is never sent', async () => {
      await open()
      test.log = 'hang'
      const request = begin(READ, 'PATCH', { 'content-type': 'application/json' })
      await call(test.origin, '/healthz')
      request.end('{}')
      const request2 = begin('/storage.googleapis.com/storage/v1/b?project=p', 'POST', { 'content-type': 'application/json' })
      request2.end('{"name":"x"}')
      await until(() => test.proxy.status().open === 1)
      request2.destroy()
      await until(() => test.proxy.status().open === 0)
      test.log = 'take'
      request.destroy()
      assert.equal((await test.outcomes(1))[0]?.result, 'left')
      assert.equal(upstream.seen.length, 0)
    })

    it('while a read waits for its answer: the upstream is let go', async () => {
      await open()
      let gone = false
      upstream.answer = (_request, response) => void response.once('close', () => { gone = true })
      const request = begin(READ)
      request.end()
      await until(() => upstream.seen.length === 1)
      request.destroy()
      await until(() => gone)
      assert.equal((await test.outcomes(1))[0]?.result, 'left')
    })

    it('while a read streams: the upstream is let go', async () => {
      await open()
      endless()
      const request = begin(`${READ}/o/x?alt=media`)
      request.end()
      await new Promise((resolve) => request.once('response', resolve))
      request.destroy()
      const [outcome] = await test.outcomes(1)
      assert.deepEqual([outcome?.result, outcome?.status], ['left', 200])
    })

    it('while an upload is on its way: the upstream never sees its end, and whether it took effect is unknown', async () => {
      await open()
      const request = begin(UPLOAD, 'POST', { 'content-length': '1000000' })
      request.write('x'.repeat(100_000))
      await until(() => upstream.seen.length === 1)
      request.destroy()
      assert.equal((await test.outcomes(1))[0]?.result, 'unknown')
      assert.equal(upstream.seen[0]?.complete, false)
    })

    it('while a change that was sent waits for its answer: it is not cancelled, and its end is recorded', async () => {
      await open()
      let answer: (() => void) | undefined
      upstream.answer = (_request, response) => { answer = () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}') }
      const request = begin('/storage.googleapis.com/storage/v1/b?project=p', 'POST', { 'content-type': 'application/json' })
      request.end('{"name":"x"}')
      await until(() => answer !== undefined)
      request.destroy()
      await new Promise((resolve) => setTimeout(resolve, 30))
      answer?.()
      const [outcome] = await test.outcomes(1)
      assert.deepEqual([outcome?.result, outcome?.status], ['left', 200])
    })

    it('while the large answer of a change streams: the rest is dropped, and the call ends', async () => {
      await open()
      upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.alloc(30_000_000))
      const request = begin('/storage.googleapis.com/storage/v1/b?project=p', 'POST', { 'content-type': 'application/json' })
      request.end('{"name":"x"}')
      await new Promise((resolve) => request.once('response', resolve))
      await new Promise((resolve) => setTimeout(resolve, 50))
      request.destroy()
      const [outcome] = await test.outcomes(1)
      assert.deepEqual([outcome?.result, outcome?.status], ['left', 200])
      assert.equal(test.proxy.status().open, 0)
    })

    it('while its body is collected: the call ends', async () => {
      await open()
      const request = begin(READ, 'PATCH', { 'content-type': 'application/json', 'content-length': '100' })
      request.write('{')
      await new Promise((resolve) => setTimeout(resolve, 50))
      request.destroy()
      assert.equal((await test.outcomes(1))[0]?.reason, 'REQUEST_INVALID')
    })
  })

  it('a client that reads nothing does not keep the upstream for ever', async () => {
    await open({ settings: { upstreamBodyMs: 100 } })
    endless()
    const request = begin(`${READ}/o/x?alt=media`)
    request.end()
    await new Promise((resolve) => request.once('response', resolve))
    assert.equal((await test.outcomes(1))[0]?.result, 'left')
  })

  it('a slow reader holds the upstream back', async () => {
    await open()
    let sent = 0
    upstream.answer = (_request, response) => {
      const more = (): void => { while (!response.destroyed && (sent += 65_536, response.write(Buffer.alloc(65_536)))); response.once('drain', more) }
      more()
    }
    const request = begin(`${READ}/o/x?alt=media`)
    request.end()
    await new Promise((resolve) => request.once('response', resolve))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = sent
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(sent, before)
    assert.ok(sent < 24_000_000, `${sent} bytes left the upstream`)
    request.destroy()
  })

  describe('because a lock falls', () => {
    it('invariant 11: an open stream is cut within a second', async () => {
      await open()
      endless()
      const request = begin(`${READ}/o/x?alt=media`)
      request.end()
      const response = await new Promise<NodeJS.EventEmitter & { resume(): void }>((resolve) => request.once('response', resolve))
      const cut = new Promise<void>((resolve) => void response.once('close', () => resolve()))
      response.resume()
      const started = performance.now()
      test.lock({ kind: 'agent', agent: 'acme/shop' })
      await cut
      assert.ok(performance.now() - started < 1000)
      const [outcome] = await test.outcomes(1)
      assert.deepEqual([outcome?.result, outcome?.reason], ['failed', 'AGENT_LOCKED'])
    })

    it('invariant 11: a change that waits for its record is never sent', async () => {
      await open()
      test.log = 'hang'
      const answer = call(test.origin, '/storage.googleapis.com/storage/v1/b?project=p', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"x"}' })
      await until(() => test.proxy.status().open === 1)
      test.lock({ kind: 'everything' })
      assert.equal((await answer).reason(), 'AGENT_LOCKED')
      test.log = 'take'
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(upstream.seen.length, 0)
    })

    it('others go on', async () => {
      await open()
      test.lock({ kind: 'run', run: 'run-2' })
      assert.equal((await call(test.origin, READ, { headers: test.bearer() })).status, 200)
      assert.equal((await call(test.origin, READ, { headers: test.bearer({ run: 'run-2' }) })).reason(), 'AGENT_LOCKED')
    })
  })

  describe('because the log takes nothing', () => {
    for (const log of ['hang', 'fail'] as const) {
      it(`invariant 1: a change is not sent (${log})`, async () => {
        await open()
        test.log = log
        const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b?project=p', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"x"}' })
        assert.deepEqual([answer.status, answer.reason()], [503, 'AUDIT_UNAVAILABLE'])
        assert.equal(upstream.seen.length, 0)
      })
      it(`invariant 1: a read's answer is not released, small or large (${log})`, async () => {
        for (const size of [2, 300_000]) {
          await open()
          test.log = log
          upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(size))
          const answer = await call(test.origin, READ, { headers: test.bearer() })
          assert.deepEqual([answer.status, answer.reason()], [503, 'AUDIT_UNAVAILABLE'])
          await test.stop()
        }
      })
    }
  })

  describe('because the gateway stops', () => {
    it('500 held calls are answered 428 in less than two seconds', async () => {
      await open({ limits: { heldPerAgent: 500, pendingPerAgent: 1000 } })
      const token = test.bearer()
      const answers = Array.from({ length: 500 }, (_, at) => call(test.origin, '/bigquery.googleapis.com/bigquery/v2/projects/p/datasets', { method: 'POST', headers: { ...token, 'content-type': 'application/json' }, body: `{"datasetReference":{"datasetId":"dev${at}"}}` }))
      await until(() => test.proxy.status().held === 500)
      const started = performance.now()
      const drained = test.proxy.drain(2000)
      for (const answer of await Promise.all(answers)) assert.deepEqual([answer.status, answer.reason()], [428, 'APPROVAL_PENDING'])
      await drained
      assert.ok(performance.now() - started < 2000)
      assert.equal(upstream.seen.length, 0)
    })

    it('a call in progress is finished', async () => {
      await open()
      let answer: (() => void) | undefined
      upstream.answer = (_request, response) => { answer = () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}') }
      const running = call(test.origin, READ, { headers: test.bearer() })
      await until(() => answer !== undefined)
      const drained = test.proxy.drain(3000)
      answer?.()
      assert.equal((await running).status, 200)
      await drained
    })

    it('invariant 8: a call whose client has gone has its outcome before the gateway is drained', async () => {
      await open()
      test.log = 'hang'
      const request = begin(READ)
      request.end()
      await until(() => upstream.seen[0]?.complete === true)
      await until(() => test.held > 0)
      request.destroy()
      const drained = test.proxy.drain(1000)
      test.log = 'take'
      await drained
      assert.equal(test.proxy.status().open, 0)
      const outcomes = await test.outcomes(2)
      assert.deepEqual(outcomes.map(({ result, intent }) => [result, intent]), [['answered', undefined], ['left', outcomes[0]?.id]])
    })

    it('one that does not end is cut when the time is over', async () => {
      await open()
      upstream.answer = () => undefined
      const running = call(test.origin, READ, { headers: test.bearer() })
      await until(() => upstream.seen.length === 1)
      await test.proxy.drain(50)
      assert.equal((await running).reason(), 'SHUTTING_DOWN')
    })
  })
})
