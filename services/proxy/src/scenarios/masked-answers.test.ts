import assert from 'node:assert/strict'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, type Response } from '../testing/raw-client.ts'
import { GOOGLE_TOKEN, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [
  { name: 'masked', methods: ['storage.objects.list', 'storage.objects.get'], effect: 'allow', mask: ['personal-data'] },
  { name: 'fields', methods: ['storage.buckets.get'], effect: 'allow', fields: ['owner.entity'] },
  { name: 'limited', methods: ['storage.buckets.list'], effect: 'allow', limits: { maxResponseBytes: 1000 } },
  { name: 'rest', methods: ['*'], effect: 'allow' },
]
const MAIL = 'jane.doe@example.com'
const LIST = '/storage.googleapis.com/storage/v1/b/dev/o'
const MEDIA = `${LIST}/x?alt=media`

describe('answers that are changed on their way', () => {
  let upstream: TestUpstream
  let test: TestProxy
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, targets: [{ name: 'app', hosts: ['app.example.com'], upstream: upstream.origin }] })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  const answerWith = (headers: Record<string, string | string[]>, body: string | Buffer, status = 200): void => {
    upstream.answer = (_request, response) => void response.writeHead(status, headers).end(body)
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => call(test.origin, path, { headers: { ...test.bearer(), ...headers } })
  const json = { 'content-type': 'application/json; charset=UTF-8' }
  const large = JSON.stringify({ items: Array.from({ length: 20_000 }, (_, at) => ({ name: `o${at}`, owner: MAIL })) })

  const encoders: readonly (readonly [string, (text: string) => Buffer])[] = [['gzip', gzipSync], ['x-gzip', gzipSync], ['deflate', deflateSync], ['br', brotliCompressSync], ['GZIP', gzipSync]]
  for (const [encoding, encode] of encoders) {
    for (const [size, text] of [['small', JSON.stringify({ owner: MAIL })], ['large', large]] as const) {
      it(`invariant 9: a ${size} body in ${encoding}, although identity was asked for, is opened and masked`, async () => {
        answerWith({ ...json, 'content-encoding': encoding, etag: '"1"', 'x-goog-hash': 'md5=x' }, encode(text))
        const answer = await get(LIST, { 'accept-encoding': 'gzip' })
        assert.equal(upstream.seen.at(-1)?.headers['accept-encoding'], 'identity')
        assert.ok(answer.status === 200 && !answer.text().includes(MAIL) && answer.text().includes('[lockkeeper:masked:email]'))
        assert.deepEqual([answer.headers['content-encoding'], answer.headers['etag'], answer.headers['x-goog-hash']], [undefined, undefined, undefined])
        answer.json()
      })
    }
  }

  const refused: readonly (readonly [string, string, Record<string, string | string[]>, string | Buffer, number?])[] = [
    ['in an encoding that is not known', LIST, { ...json, 'content-encoding': 'zstd' }, '{}'],
    ['encoded twice', LIST, { ...json, 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync('{}'))],
    ['encoded under two headers', LIST, { ...json, 'content-encoding': ['gzip', 'br'] }, gzipSync('{}')],
    ['called gzip and is not', LIST, { ...json, 'content-encoding': 'gzip' }, JSON.stringify({ owner: MAIL })],
    ['cut off in gzip', LIST, { ...json, 'content-encoding': 'gzip' }, gzipSync(JSON.stringify({ owner: MAIL })).subarray(0, -12)],
    ['media of a binary type', MEDIA, { 'content-type': 'application/octet-stream' }, MAIL],
    ['of no type', MEDIA, {}, MAIL],
    ['in another charset', LIST, { 'content-type': 'application/json; charset=utf-16' }, '{}'],
    ['a part of a whole', MEDIA, { 'content-type': 'text/plain', 'content-range': 'bytes 5-9/20' }, 'e@exa', 206],
    ['several parts', MEDIA, { 'content-type': 'multipart/byteranges; boundary=b' }, MAIL, 206],
    ['JSON that does not end', LIST, json, `{"owner":"${MAIL}"`],
    ['JSON called text with a byte that is not UTF-8', MEDIA, { 'content-type': 'text/plain' }, Buffer.from([0x61, 0xff])],
    ['lines of JSON, in which fields would be missed', '/storage.googleapis.com/storage/v1/b/dev', { 'content-type': 'application/x-ndjson' }, '{"owner":{"entity":"user-x"}}\n'],
    ['XML, in which fields would be missed', '/storage.googleapis.com/storage/v1/b/dev', { 'content-type': 'application/xml' }, '<owner><entity>user-x</entity></owner>'],
  ]
  for (const [title, path, headers, body, status] of refused) {
    it(`invariant 9: an answer that must be masked and is ${title} is CANNOT_MASK`, async () => {
      answerWith(headers, body, status)
      const answer = await get(path)
      assert.deepEqual([answer.status, answer.reason()], [403, 'CANNOT_MASK'])
      assert.ok(!answer.text().includes('jane'))
    })
  }

  it('invariant 9: a body that breaks off never flushes what it held back', async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { ...json, 'content-length': '100000' })
      response.write(`{"items":["${MAIL}","${MAIL.slice(0, -3)}`, () => setTimeout(() => response.destroy(), 20))
    }
    const answer = await get(LIST)
    assert.equal(answer.reason(), 'UPSTREAM_RESET')
    assert.ok(!answer.text().includes('jane'))
  })

  it('invariant 9: a large body that breaks off ends the connection in the middle', async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, json)
      response.write(large.slice(0, 200_000), () => setTimeout(() => response.destroy(), 30))
    }
    await assert.rejects(get(LIST))
  })

  it('masked in any chunking of the upstream, byte for byte the same', async () => {
    const text = JSON.stringify({ owner: MAIL, 'jane.doe@example.com': 1, note: `tel ${MAIL}` })
    const bodies = new Set<string>()
    for (const step of [1, 2, 3, 7, 1000]) {
      upstream.answer = (_request, response) => {
        response.writeHead(200, json)
        for (let at = 0; at < text.length; at += step) response.write(text.slice(at, at + step))
        response.end()
      }
      bodies.add((await get(LIST)).text())
    }
    assert.equal(bodies.size, 1)
    assert.ok(![...bodies][0]?.includes('jane'))
  })

  it('what must be masked is asked for whole', async () => {
    answerWith(json, '{}')
    await get(LIST, { range: 'bytes=0-9', 'if-none-match': '"1"', 'if-modified-since': 'x', 'if-range': '"1"', 'if-match': '"2"' })
    const headers = upstream.seen.at(-1)?.headers ?? {}
    assert.deepEqual(['range', 'if-none-match', 'if-modified-since', 'if-range', 'if-match'].map((name) => headers[name]), [undefined, undefined, undefined, undefined, '"2"'])
  })

  const telling: readonly (readonly [string, string])[] = [
    ['x-goog-meta-owner', MAIL], ['X-Goog-Meta-Name', 'Jane Doe'], ['content-disposition', `attachment; filename="${MAIL}"`],
    ['content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(MAIL)}`], ['x-owner', MAIL], ['link', `<https://example.com/${MAIL}>; rel=next`], ['location', `https://example.com/?mail=${encodeURIComponent(MAIL)}`],
  ]
  for (const [name, value] of telling) {
    for (const status of [200, 302, 304, 404]) it(`invariant 9: the header ${name.toLowerCase()} of a masked answer with ${status} tells nothing that its body may not`, async () => {
      answerWith({ 'content-type': 'text/plain', 'x-goog-generation': '1795513698980000', 'last-modified': 'Tue, 24 Nov 2026 09:48:18 GMT', [name]: value }, '', status)
      const answer = await get(MEDIA)
      assert.equal(answer.status, status)
      const told = decodeURIComponent(JSON.stringify(answer.headers))
      assert.ok(!told.includes(MAIL) && !told.includes('Jane'), told)
      if (status === 200) assert.deepEqual([answer.headers['x-goog-generation'], answer.headers['last-modified']], ['1795513698980000', 'Tue, 24 Nov 2026 09:48:18 GMT'])
    })
  }

  it('invariant 9: a header of an answer that streams is masked as well', async () => {
    answerWith({ ...json, 'x-owner': MAIL }, large)
    const answer = await get(LIST)
    assert.equal(answer.headers['x-owner'], '[lockkeeper:masked:email]')
  })

  it('an error page that cannot be masked is replaced, with its status kept', async () => {
    answerWith({ 'content-type': 'application/octet-stream' }, MAIL, 404)
    const answer = await get(MEDIA)
    assert.deepEqual([answer.status, answer.reason()], [404, 'UPSTREAM_ERROR'])
  })

  for (const status of [204, 304]) it(`${status} has no body and needs no masking`, async () => {
    answerWith({}, '', status)
    assert.equal((await get(LIST)).status, status)
  })

  it('HEAD passes its headers and waits for no body', async () => {
    answerWith({ 'content-type': 'application/octet-stream', 'content-length': '12345', etag: '"1"' }, '')
    const answer = await call(test.origin, '/app.example.com/x', { method: 'HEAD', headers: test.bearer() })
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.headers['etag'], answer.body.length], [200, '12345', '"1"', 0])
  })

  it('an unmasked download keeps its range, encoding and checksums', async () => {
    const free = await startTestProxy({ upstream: upstream.origin })
    const body = gzipSync('hello')
    answerWith({ 'content-type': 'text/plain', 'content-encoding': 'gzip', 'content-range': `bytes 0-${body.length - 1}/99`, 'x-goog-hash': 'md5=x' }, body, 206)
    const answer = await call(free.origin, MEDIA, { headers: { ...free.bearer(), range: 'bytes=0-24', 'accept-encoding': 'gzip' } })
    assert.deepEqual([answer.status, answer.headers['content-encoding'], answer.headers['x-goog-hash'], answer.body.equals(body)], [206, 'gzip', 'md5=x', true])
    assert.deepEqual([upstream.seen.at(-1)?.headers['range'], upstream.seen.at(-1)?.headers['accept-encoding']], ['bytes=0-24', 'gzip'])
    await free.stop()
  })

  it('links lead back through the gateway also where the upstream compresses unasked', async () => {
    answerWith({ ...json, 'content-encoding': 'gzip' }, gzipSync('{"mediaLink":"https://storage.googleapis.com/download/x"}'))
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev/notificationConfigs', { headers: { ...test.bearer(), 'accept-encoding': 'gzip' } })
    assert.equal(answer.text(), `{"mediaLink":"${test.origin}/storage.googleapis.com/download/x"}`)
  })

  const LISTS = '/storage.googleapis.com/storage/v1/b?project=p'
  for (const [title, headers, body] of [['declared', {}, 'x'.repeat(1001)], ['chunked', { 'transfer-encoding': 'chunked' }, 'x'.repeat(1001)], ['small when compressed', { 'content-encoding': 'gzip' }, gzipSync('x'.repeat(100_000))]] as const) {
    it(`an answer over maxResponseBytes, ${title}, is refused`, async () => {
      answerWith({ ...json, ...headers }, body)
      const answer = await get(LISTS)
      assert.deepEqual([answer.status, answer.reason()], [403, 'POLICY_DENIED'])
    })
  }
  it('an answer of just maxResponseBytes passes', async () => {
    answerWith(json, 'x'.repeat(1000))
    assert.equal((await get(LISTS)).body.length, 1000)
  })

  const echoes: readonly (readonly [string, Record<string, string>, string | Buffer])[] = [
    ['its body', {}, `you sent ${GOOGLE_TOKEN}`], ['a large body', {}, `${'x'.repeat(200_000)}${GOOGLE_TOKEN}`], ['a header', { 'x-echo': `Bearer ${GOOGLE_TOKEN}` }, 'ok'],
    ['a redirect', { location: `https://elsewhere.example/?t=${GOOGLE_TOKEN}` }, 'ok'], ['a compressed body', { 'content-encoding': 'gzip' }, gzipSync(`you sent ${GOOGLE_TOKEN}`)], ['a cookie', { 'set-cookie': GOOGLE_TOKEN }, 'ok'],
  ]
  for (const [where, headers, body] of echoes) {
    it(`invariant 3: a credential that the upstream repeats in ${where} does not reach the agent`, async () => {
      answerWith({ 'content-type': 'text/plain', ...headers }, body)
      const seen = await get('/app.example.com/echo', { 'accept-encoding': 'gzip' }).then((answer) => answer.text() + JSON.stringify(answer.rawHeaders), (error: Error) => error.message)
      assert.ok(!seen.includes(GOOGLE_TOKEN))
      assert.ok(where === 'a cookie' || /UPSTREAM_INVALID|socket hang up|aborted/.test(seen), seen.slice(0, 300))
    })
  }
  it('invariant 3: nor across the borders of chunks', async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('x'.repeat(100_000))
      const parts = [GOOGLE_TOKEN.slice(0, 9), GOOGLE_TOKEN.slice(9, 20), GOOGLE_TOKEN.slice(20)]
      const next = (): void => {
        const part = parts.shift()
        if (part === undefined) response.end()
        else response.write(part, () => setTimeout(next, 5))
      }
      next()
    }
    await assert.rejects(get('/app.example.com/echo'))
    assert.ok(test.logLines.some((line) => line.includes('credential that it was sent')))
    assert.ok(!test.written().includes(GOOGLE_TOKEN))
  })
})
