import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, rawClient, readResponse, type Response } from '../testing/raw-client.ts'
import { findCanary, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [
  { name: 'no-private', methods: ['storage.objects.insert'], resources: ['//storage.googleapis.com/projects/_/buckets/private/**', '//storage.googleapis.com/projects/_/buckets/private'], effect: 'deny' },
  { name: 'rest', methods: ['*'], effect: 'allow' },
]
const UPLOAD = '/storage.googleapis.com/upload/storage/v1/b/dev/o'
const UPLOAD_ID = 'ABPtcPupstreamSESSION0123'
const MARKER = '[lockkeeper:masked:email]'

describe('uploads', () => {
  let upstream: TestUpstream
  let test: TestProxy
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })
  beforeEach(() => {
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })

  const simple = (body: string | Buffer, headers: Record<string, string> = {}, name = 'x'): Promise<Response> =>
    call(test.origin, `${UPLOAD}?uploadType=media&name=${name}`, { method: 'POST', headers: { ...test.bearer(), 'content-type': 'text/plain', ...headers }, body })

  it('media goes up byte for byte, with its declared length', async () => {
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
    assert.equal((await simple(body)).status, 200)
    const seen = upstream.seen.at(-1)
    assert.ok(seen?.body.equals(body) === true && seen.headers['content-length'] === '300000' && seen.headers['content-type'] === 'text/plain')
  })

  it('media of unknown length goes up in chunks, and its bytes are counted', async () => {
    await simple('hello', { 'transfer-encoding': 'chunked' })
    assert.deepEqual([upstream.seen.at(-1)?.body.toString(), upstream.seen.at(-1)?.headers['transfer-encoding']], ['hello', 'chunked'])
    assert.equal((await test.outcomes(2)).at(-1)?.requestBytes, 5)
  })

  for (const [title, body] of [['small', `a ${MARKER} b`], ['large', `${'x'.repeat(900_000)}${MARKER}${'y'.repeat(900_000)}`], ['at the very end', `${'x'.repeat(70_000)}${MARKER}`]] as const) {
    for (const framing of ['length', 'chunks'] as const) {
      it(`invariant 9: media with a masking marker (${title}, ${framing}) is refused, and the upstream never sees its end`, async () => {
        const before = upstream.seen.length
        const answer = await simple(body, framing === 'chunks' ? { 'transfer-encoding': 'chunked' } : {})
        assert.deepEqual([answer.status, answer.reason()], [400, 'MASKED_VALUE_WRITTEN'])
        assert.ok(upstream.seen.slice(before).every(({ complete }) => !complete))
      })
    }
  }

  it('an upstream that answers before the body has ended is heard', async () => {
    const early = await startUpstream()
    const other = await startTestProxy({ upstream: early.origin })
    early.answer = () => undefined
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const request = httpRequest(`${other.origin}${UPLOAD}?uploadType=media&name=x`, { method: 'POST', agent: false, headers: { ...other.bearer(), 'content-length': '1000000' } }, (response) => { readResponse(response).then(resolve, reject) })
    request.on('error', reject)
    request.write('x'.repeat(1000))
    while (early.seen.length === 0) await new Promise((later) => setTimeout(later, 5))
    early.seen[0]?.respond(403, '{"error":{"code":403}}')
    const answer = await promise
    assert.deepEqual([answer.status, answer.text()], [403, '{"error":{"code":403}}'])
    request.destroy()
    await other.stop()
    await early.stop()
  })

  it('a large upload that is refused sees the refusal, not a broken connection', async () => {
    for (let round = 0; round < 5; round++) {
      const answer = await simple(Buffer.alloc(4_000_000), {}, 'private/x').catch((error: Error) => error.message)
      assert.equal(typeof answer === 'string' ? answer : answer.status, 200, 'the object is in the allowed bucket')
      const denied = await call(test.origin, '/storage.googleapis.com/upload/storage/v1/b/private/o?uploadType=media&name=x', { method: 'POST', headers: test.bearer(), body: Buffer.alloc(4_000_000) })
      assert.deepEqual([denied.status, denied.reason()], [403, 'POLICY_DENIED'])
    }
  })

  it('a client that waits to be invited is invited only once its call is allowed', async () => {
    const head = (token: string, bucket: string): string => `POST /storage.googleapis.com/upload/storage/v1/b/${bucket}/o?uploadType=media&name=x HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`
    for (const [token, bucket, status] of [['nonsense', 'dev', 401], [test.token(), 'private', 403]] as const) {
      const refused = await rawClient(test.port, head(token, bucket))
      assert.ok((await refused.until(/\r\n\r\n\{.*\}$/s)).startsWith(`HTTP/1.1 ${status}`))
      await refused.closed
    }
    const allowed = await rawClient(test.port, head(test.token(), 'dev'))
    assert.equal(await allowed.until(/\r\n\r\n$/), 'HTTP/1.1 100 Continue\r\n\r\n')
    allowed.socket.write('hello')
    await allowed.until(/HTTP\/1.1 200 OK/)
    assert.equal(upstream.seen.at(-1)?.body.toString(), 'hello')
    allowed.socket.destroy()
  })

  it('multipart is framed anew: the upstream sees the two parts that were judged and nothing else', async () => {
    const body = '--b\r\nContent-Type: application/json\r\n\r\n{ "name" : "x", "metadata": {"a":"b"} }\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n'
    const answer = await call(test.origin, `${UPLOAD}?uploadType=multipart`, { method: 'POST', headers: { ...test.bearer(), 'content-type': "multipart/related; boundary='b'" }, body })
    assert.equal(answer.status, 200)
    const seen = upstream.seen.at(-1)
    assert.match(seen?.headers['content-type'] ?? '', /^multipart\/related; boundary=lockkeeper-[0-9a-f]{36}$/)
    assert.match(seen?.body.toString() ?? '', /\r\n\r\n\{"metadata":\{"a":"b"\},"name":"x"\}\r\n--lockkeeper-.*\r\n\r\nhello\r\n--lockkeeper-\w+--\r\n$/s)
  })

  for (const [title, media, tail] of [['a third part', 'hello', '\r\n--b\r\n\r\nthird\r\n--b--\r\n'], ['no end', 'hello', ''], ['a marker', MARKER, '\r\n--b--\r\n']] as const) {
    it(`multipart with ${title} is refused, and the upstream never sees its end`, async () => {
      const body = `--b\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\r\n--b\r\n\r\n${media}${tail}`
      const before = upstream.seen.length
      const answer = await call(test.origin, `${UPLOAD}?uploadType=multipart`, { method: 'POST', headers: { ...test.bearer(), 'content-type': 'multipart/related; boundary=b' }, body })
      assert.equal(answer.status, 400)
      assert.ok(upstream.seen.slice(before).every(({ complete }) => !complete))
    })
  }

  describe('in resumable sessions', () => {
    const start = async (claims = {}, more: Record<string, string> = {}): Promise<URL> => {
      upstream.answer = (_request, response) => void response.writeHead(200, { 'x-guploader-uploadid': UPLOAD_ID, location: `https://storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=resumable&name=x&upload_id=${UPLOAD_ID}` }).end()
      const answer = await call(test.origin, `${UPLOAD}?uploadType=resumable&name=x`, { method: 'POST', headers: { ...test.bearer(claims), 'content-type': 'application/json', ...more }, body: '{}' })
      assert.equal(answer.status, 200)
      assert.ok(!JSON.stringify(answer.rawHeaders).includes(UPLOAD_ID))
      return new URL(answer.headers['location'] ?? '')
    }
    const part = (url: URL, body: string | undefined, headers: Record<string, string> = {}, claims = {}, method = 'PUT'): Promise<Response> =>
      call(url.origin, url.pathname + url.search, { method, headers: { ...test.bearer(claims), ...headers }, ...(body === undefined ? {} : { body }) })
    const resume = (range: string | undefined) => (): void => {
      upstream.answer = (_request, response) => void response.writeHead(308, range === undefined ? {} : { range, 'x-guploader-uploadid': UPLOAD_ID }).end()
    }

    it('invariant 3: the agent gets a session of the gateway\'s own, which leads to the one that was sealed', async () => {
      const url = await start()
      assert.ok(url.href.startsWith(`${test.origin}${UPLOAD}?uploadType=resumable&upload_id=`))
      resume('bytes=0-4')()
      const answer = await part(url, 'hello', { 'content-range': 'bytes 0-4/*' })
      assert.deepEqual([answer.status, answer.headers['range'], answer.headers['x-guploader-uploadid']], [308, 'bytes=0-4', undefined])
      assert.equal(upstream.seen.at(-1)?.url, `/upload/storage/v1/b/dev/o?uploadType=resumable&name=x&upload_id=${UPLOAD_ID}`)
      assert.equal(upstream.seen.at(-1)?.headers['content-range'], 'bytes 0-4/*')
    })

    it('its parts are sent as gcloud and as Node send them, and asked after', async () => {
      const url = await start()
      resume(undefined)()
      for (const [body, headers] of [['12345', { 'content-range': 'bytes 0-4/5' }], ['12345', { 'content-range': 'bytes 0-*/*', 'transfer-encoding': 'chunked' }], ['', { 'content-range': 'bytes */*', 'content-length': '0' }]] as const) {
        assert.equal((await part(url, body, headers)).status, 308)
        assert.deepEqual([upstream.seen.at(-1)?.body.toString(), upstream.seen.at(-1)?.headers['content-range']], [body, headers['content-range']])
      }
    })

    for (const [title, body, range] of [['a larger total', '12345', 'bytes 0-4/6'], ['a part beyond its end', '123456', 'bytes 0-5/*'], ['a smaller total', '1234', 'bytes 0-3/4']] as const) {
      it(`invariant 4: an upload that was begun with a size ends at that size: ${title} is refused`, async () => {
        const url = await start({}, { 'x-upload-content-length': '5' })
        resume(undefined)()
        const before = upstream.seen.length
        assert.equal((await part(url, body, { 'content-range': range })).reason(), 'REQUEST_INVALID')
        assert.equal(upstream.seen.length, before)
        assert.equal((await part(url, '12345', { 'content-range': 'bytes 0-4/5' })).status, 308)
      })
    }

    it('what the upstream says of its own session does not reach the agent', async () => {
      const url = await start()
      upstream.answer = (_request, response) => void response.writeHead(404, { 'content-type': 'text/html', location: `https://storage.googleapis.com/upload/x?upload_id=${UPLOAD_ID}` }).end(`<a href="?upload_id=${UPLOAD_ID}">`)
      const answer = await part(url, 'x')
      assert.ok(!JSON.stringify(answer.rawHeaders).includes(UPLOAD_ID) && !answer.text().includes(UPLOAD_ID))
    })

    it('a path that the agent changes changes nothing: the part goes to the sealed one', async () => {
      const url = await start()
      resume(undefined)()
      url.pathname = url.pathname.replace('/b/dev/', '/b/private/')
      const before = upstream.seen.length
      const answer = await part(url, 'x')
      assert.ok(answer.status === 308 || answer.status === 404)
      for (const { url: seen } of upstream.seen.slice(before)) assert.ok(seen.startsWith('/upload/storage/v1/b/dev/o?'))
    })

    it('another agent, another run and an altered id are refused, and nothing is dialled', async () => {
      const url = await start()
      const before = upstream.seen.length
      for (const claims of [{ sub: 'acme/other' }, { run: 'run-2' }]) assert.equal((await part(url, 'x', {}, claims)).reason(), 'SESSION_UNKNOWN')
      const altered = new URL(url)
      const id = altered.searchParams.get('upload_id') ?? ''
      for (const one of [`${id.slice(0, 40)}${id[40] === 'A' ? 'B' : 'A'}${id.slice(41)}`, `${id.slice(0, -1)}`, 'anotherUPSTREAMsession', `${id}!`]) {
        altered.searchParams.set('upload_id', one)
        assert.ok((await part(altered, 'x')).status >= 400)
      }
      assert.equal(upstream.seen.length, before)
    })

    it('invariant 9: a part with a masking marker is stopped before its end', async () => {
      const url = await start()
      resume(undefined)()
      const before = upstream.seen.length
      const answer = await part(url, `x${MARKER}`, { 'content-range': 'bytes 0-25/26' })
      assert.equal(answer.reason(), 'MASKED_VALUE_WRITTEN')
      assert.ok(upstream.seen.slice(before).every(({ complete }) => !complete))
    })

    for (const [title, location] of [['on another host', `https://evil.example/upload?upload_id=${UPLOAD_ID}`], ['on another host of the target', `https://bigquery.googleapis.com/upload?upload_id=${UPLOAD_ID}`]] as const) {
      it(`a session ${title} is not passed on`, async () => {
        upstream.answer = (_request, response) => void response.writeHead(200, { location }).end()
        const answer = await call(test.origin, `${UPLOAD}?uploadType=resumable&name=x`, { method: 'POST', headers: test.bearer() })
        assert.deepEqual([answer.status, answer.reason()], [502, 'UPSTREAM_INVALID'])
      })
    }

    it('invariant 3: no record or log holds a token or the upstream\'s session', () => {
      assert.equal(findCanary(test.written()), undefined)
      assert.ok(!test.written().includes(UPLOAD_ID))
    })
  })
})
