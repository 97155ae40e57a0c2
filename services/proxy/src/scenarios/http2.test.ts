import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { tempDir } from '@lockkeeper/testkit'
import { openCertificateAuthority } from '../doors/certificate-authority.ts'
import { FRAMES, http2Client, readAnswer, type Http2Client } from '../testing/http2-client.ts'
import { call, rawClient } from '../testing/raw-client.ts'
import { findCanary, startTestProxy, type TestProxy, type TestProxyOptions } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const READ = '/storage.googleapis.com/storage/v1/b/dev'
const LIST = '/storage.googleapis.com/storage/v1/b?project=p'
const UPLOAD = '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=x'
const RULES: readonly RuleDocument[] = [{ name: 'ask', methods: ['storage.buckets.delete', 'bigquery.datasets.insert'], effect: 'approve' }, { name: 'rest', methods: ['*'], effect: 'allow' }]
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 15_000; !condition();) {
    if (performance.now() > end) throw new Error('it did not come to pass within 15 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('HTTP/2', function () {
  this.timeout(30_000)
  let upstream: TestUpstream
  let test: TestProxy
  let client: Http2Client
  const open = async (options: Partial<TestProxyOptions> = {}): Promise<void> => {
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, ...options })
    client = await http2Client(test.origin)
  }
  beforeEach(async () => { upstream = await startUpstream() })
  afterEach(async () => {
    await client.close()
    await test.stop()
    await upstream.stop()
  })

  it('invariant 3: a read goes through one port by either version, and neither token leaks', async () => {
    await open()
    const [one, two] = [await call(test.origin, READ, { headers: test.bearer() }), await client.call(READ, { headers: test.bearer() })]
    assert.deepEqual([one.status, two.status, two.text()], [200, 200, one.text()])
    assert.deepEqual(upstream.seen.map(({ headers }) => headers['authorization']), [upstream.seen[0]?.headers['authorization'], upstream.seen[0]?.headers['authorization']])
    assert.equal(findCanary(JSON.stringify(two.headers), two.text(), test.written()), undefined)
    assert.deepEqual((await test.outcomes(2)).map(({ result, host, method }) => [result, host, method]), Array.from({ length: 2 }, () => ['answered', 'storage.googleapis.com', 'storage.buckets.get']))
  })

  it('an answer has no header of a connection, and several of one name stay several', async () => {
    await open()
    upstream.answer = (_request, response) => void response.writeHead(200, ['Content-Type', 'application/json', 'Vary', 'Origin', 'Vary', 'X-Origin', 'Connection', 'keep-alive', 'Keep-Alive', 'timeout=5']).end('{}')
    const { status, headers } = await client.call(READ, { headers: test.bearer() })
    assert.deepEqual([status, headers.vary, headers.connection, headers['keep-alive'], headers['transfer-encoding']], [200, 'Origin, X-Origin', undefined, undefined, undefined])
  })

  it('a change without a declared length is judged by its body and sent whole', async () => {
    await open()
    const { status } = await client.call(LIST, { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"b"}' })
    assert.deepEqual([status, upstream.seen[0]?.body.toString(), upstream.seen[0]?.complete], [200, '{"name":"b"}', true])
    const unknown = await client.call(LIST, { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"name":"b","nmae":"c"}' })
    assert.deepEqual([unknown.status, unknown.reason(), upstream.seen.length], [400, 'FIELD_UNKNOWN', 1])
  })

  it('8 MiB go up and come down byte for byte, past every window', async () => {
    await open()
    const bytes = randomBytes(8 * 1024 ** 2)
    const up = await client.call(UPLOAD, { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/octet-stream' }, body: bytes })
    assert.equal(up.status, 200, up.text())
    assert.ok(upstream.seen[0]?.body.equals(bytes))
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes)
    const down = await client.call(`${READ}/o/x?alt=media`, { headers: test.bearer() })
    assert.ok(down.body.equals(bytes))
  })

  it('a client that reads nothing holds the upstream back, and its other calls go on', async () => {
    await open()
    let written = 0
    upstream.answer = (request, response) => {
      if (!(request.url ?? '').includes('alt=media')) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    const slow = client.begin(`${READ}/o/x?alt=media`, test.bearer(), { endStream: true })
    slow.pause()
    await once(slow, 'response')
    let before = -1
    while (written !== before) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.ok(written < 16 * 1024 ** 2, `${written} bytes`)
    assert.equal((await client.call(READ, { headers: test.bearer() })).status, 200)
    slow.close(constants.NGHTTP2_CANCEL)
  })

  const fields = (path: string, type: string): readonly (readonly [string, string])[] => [[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', '127.0.0.1'], ['authorization', test.bearer().authorization], ['content-type', type]]
  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
    it(`invariant 5: an upload that is reset in the middle (${code}) never looks whole to the upstream`, async () => {
      await open()
      const raw = await rawClient(test.port, Buffer.concat([FRAMES.preface, FRAMES.headers(1, fields(UPLOAD, 'application/octet-stream')), FRAMES.data(1, Buffer.alloc(10_000))]))
      await until(() => upstream.seen.length === 1)
      raw.socket.write(FRAMES.reset(1, code))
      const [outcome] = await test.outcomes(1)
      assert.ok(outcome?.result !== 'answered', outcome?.result)
      assert.equal(upstream.seen[0]?.complete, false)
      raw.socket.destroy()
    })

    it(`a body that must be seen whole and is reset in the middle (${code}) is refused, and nothing is sent`, async () => {
      await open()
      const begin = (stream: number): Buffer => Buffer.concat([FRAMES.headers(stream, fields(LIST, 'application/json')), FRAMES.data(stream, Buffer.from('{"name":"b"}'))])
      const raw = await rawClient(test.port, Buffer.concat([FRAMES.preface, begin(1), FRAMES.reset(1, code), begin(3)]))
      assert.equal((await client.call(READ, { headers: test.bearer() })).status, 200)
      raw.socket.write(FRAMES.reset(3, code))
      await test.outcomes(2)
      assert.deepEqual(upstream.seen.map(({ verb }) => verb), ['GET'])
      raw.socket.destroy()
    })
  }

  it('a held call whose stream is reset is let go of', async () => {
    await open()
    const stream = client.begin(READ, { ':method': 'DELETE', ...test.bearer() }, { endStream: true })
    await until(() => test.proxy.status().held === 1)
    stream.close(constants.NGHTTP2_CANCEL)
    await until(() => test.proxy.status().held === 0)
    assert.equal((await test.outcomes(1))[0]?.result, 'pending')
  })

  it('an answer that breaks off in the middle is a reset, never an end', async () => {
    await open()
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).write(Buffer.alloc(200_000))
      setTimeout(() => response.destroy(), 50)
    }
    await assert.rejects(client.call(`${READ}/o/x?alt=media`, { headers: test.bearer() }), /reset with 2/)
  })

  it('a refusal reaches a client that is still sending', async () => {
    await open()
    const stream = client.begin(LIST, { ':method': 'POST', 'content-type': 'application/json' })
    const answer = readAnswer(stream)
    stream.write('{"name":')
    await once(stream, 'response')
    stream.end('"b"}')
    const { status, headers } = await answer
    assert.deepEqual([status, headers['x-lockkeeper-reason'], headers.connection], [401, 'TOKEN_MISSING', undefined])
  })

  it('a stream that is answered whole is closed, also where its request would go on for ever', async () => {
    await open()
    const streams = Array.from({ length: 60 }, (_, index) => index % 2 === 0 ? client.begin('/healthz') : client.begin(LIST, { ':method': 'POST', expect: '100-continue' }))
    for (const stream of streams) stream.write('{')
    for (const [index, answer] of (await Promise.all(streams.map(readAnswer))).entries()) assert.equal(answer.status, [200, 401][index % 2])
  })

  describe('hostile requests', () => {
    const HOSTILE: readonly (readonly [title: string, path: string, headers: Readonly<Record<string, string | string[]>>, reason: string])[] = [
      ['another verb in a header', READ, { 'x-http-method-override': 'DELETE' }, 'REQUEST_AMBIGUOUS'],
      ['a second identity', `${READ}?access_token=other`, {}, 'REQUEST_AMBIGUOUS'],
      ['encoded slashes', '/storage.googleapis.com/storage/v1%2Fb%2Fdev', {}, 'METHOD_UNKNOWN'],
      ['a host that is no target', '/example.com/x', {}, 'TARGET_UNKNOWN'],
      ['a path of dots', '/storage.googleapis.com/storage/v1/b/../b/dev', {}, 'REQUEST_AMBIGUOUS'],
      ['the metadata server', '/169.254.169.254/computeMetadata/v1/', {}, 'NOT_FOUND'],
    ]
    for (const [title, path, headers, reason] of HOSTILE) {
      it(`invariant 2: ${title} is refused over either version for the same reason`, async () => {
        await open()
        const given = { ...test.bearer(), ...headers }
        const [one, two] = [await call(test.origin, path, { headers: given }), await client.call(path, { headers: given })]
        assert.deepEqual([one.reason(), two.reason()], [two.reason(), one.reason()])
        assert.equal(two.reason(), reason)
        assert.deepEqual([two.status, upstream.seen.length], [one.status, 0])
      })
    }

    it('invariant 2: another Host than the authority is refused, the same one is not', async () => {
      await open()
      const { host } = new URL(test.origin)
      assert.equal((await client.call(READ, { headers: { ...test.bearer(), ':authority': host, host: 'evil.example' } })).reason(), 'REQUEST_AMBIGUOUS')
      assert.equal(upstream.seen.length, 0)
      assert.equal((await client.call(READ, { headers: { ...test.bearer(), ':authority': host, host } })).status, 200)
      assert.equal((await test.outcomes(2))[0]?.reason, 'REQUEST_AMBIGUOUS')
    })

    it('CONNECT is refused and recorded', async () => {
      await open()
      const stream = client.session.request({ ':method': 'CONNECT', ':authority': 'storage.googleapis.com:443' })
      stream.on('error', () => undefined)
      const [headers] = await once(stream, 'response') as [Record<string, unknown>]
      assert.equal(headers[':status'], 400)
      assert.equal((await test.outcomes(1))[0]?.reason, 'REQUEST_INVALID')
      stream.close()
    })

    it('a head over 64 KiB is never dialled', async () => {
      await open()
      await assert.rejects(client.call(READ, { headers: { ...test.bearer(), a: 'a'.repeat(70_000) } }))
      assert.equal(upstream.seen.length, 0)
    })

    it('streams that are opened and reset at once end the connection, and others go on', async () => {
      await open({ limits: { inFlight: 10_000 } })
      const flood = await http2Client(test.origin)
      const ended = new Promise<void>((resolve) => void flood.session.once('close', () => resolve()))
      const more = (): void => {
        if (flood.session.destroyed || flood.session.closed) return
        for (let count = 0; count < 200; count++) flood.begin(READ, test.bearer(), { endStream: true }).close(constants.NGHTTP2_CANCEL)
        setImmediate(more)
      }
      more()
      await ended
      assert.equal((await client.call(READ, { headers: test.bearer() })).status, 200)
    })

    for (const [title, bytes] of [['pings', FRAMES.ping], ['settings', FRAMES.settings]] as const) {
      it(`a flood of ${title} whose answers are not read ends the connection`, async () => {
        await open()
        const raw = await rawClient(test.port, FRAMES.preface)
        raw.socket.pause()
        const flood = Buffer.concat(Array.from({ length: 1000 }, () => bytes))
        const more = (): void => {
          while (!raw.socket.destroyed && raw.socket.write(flood));
        }
        raw.socket.on('drain', more)
        more()
        await until(() => test.records.some((one) => one.kind === 'outcome' && one.door === 'none') || raw.socket.destroyed)
        raw.socket.destroy()
        assert.equal((await client.call(READ, { headers: test.bearer() })).status, 200)
      })
    }

    it('what follows the preface and is no frame ends the connection and is recorded', async () => {
      await open()
      const raw = await rawClient(test.port, `${PREFACE}${'garbage '.repeat(20)}`)
      await raw.closed
      assert.deepEqual((await test.outcomes(1)).map(({ reason, door }) => [reason, door]), [['REQUEST_INVALID', 'none']])
    })

    for (const [title, text] of [['begins as the preface and goes on otherwise', 'PRIX / HTTP/1.1\r\nHost: x\r\n\r\n'], ['is HTTP/1.1 with a first letter of the preface', 'PUT /healthz HTTP/1.1\r\nHost: x\r\n\r\n']] as const) {
      it(`what ${title} is answered as HTTP/1.1`, async () => {
        await open()
        const raw = await rawClient(test.port)
        for (const byte of text) {
          raw.socket.write(byte)
          await new Promise(setImmediate)
        }
        assert.match(await raw.until(/\r\n\r\n/), /^HTTP\/1\.1 4\d\d /)
        raw.socket.destroy()
      })
    }
  })

  it('in TLS the client chooses between the versions', async () => {
    const directory = tempDir()
    await openCertificateAuthority(directory, ['gw.example'], systemClock)
    const pem = (name: string): string => readFileSync(join(directory, name), 'utf8')
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, listen: { tls: { certificate: pem('ca.pem'), key: pem('ca-key.pem') } } })
    client = await http2Client(test.origin, { rejectUnauthorized: false })
    assert.deepEqual([client.session.alpnProtocol, (await client.call(READ, { headers: test.bearer() })).status], ['h2', 200])
    const request = httpsRequest(test.origin + READ, { agent: false, rejectUnauthorized: false, headers: test.bearer() }).end()
    const [answer] = await once(request, 'response') as [IncomingMessage]
    assert.deepEqual([answer.httpVersion, answer.resume().statusCode], ['1.1', 200])
  })

  it('gRPC is refused in its own form: a head alone, UNIMPLEMENTED, and why', async () => {
    await open()
    const stream = client.begin('/google.storage.v2.Storage/GetBucket', { ':method': 'POST', ...test.bearer(), 'content-type': 'application/grpc', te: 'trailers' })
    let flags = 0
    stream.once('response', (_headers, given) => { flags = given })
    const answer = readAnswer(stream)
    stream.end(Buffer.alloc(5))
    const { status, headers, body } = await answer
    assert.deepEqual([status, headers['content-type'], headers['grpc-status'], body.length, flags & 1], [200, 'application/grpc', '12', 0, 1])
    assert.match(decodeURIComponent(String(headers['grpc-message'])), /^METHOD_UNKNOWN \(lockkeeper\.dev\): gRPC is not understood/)
    assert.equal((await test.outcomes(1))[0]?.reason, 'METHOD_UNKNOWN')
  })

  it('500 held calls on one connection are answered 428 when the gateway stops, and the connection says goodbye', async () => {
    await open({ limits: { heldPerAgent: 500, pendingPerAgent: 1000 } })
    const headers = { ...test.bearer(), 'content-type': 'application/json' }
    const answers = Array.from({ length: 500 }, (_, at) => client.call('/bigquery.googleapis.com/bigquery/v2/projects/p/datasets', { method: 'POST', headers, body: `{"datasetReference":{"datasetId":"dev${at}"}}` }))
    await until(() => test.proxy.status().held === 500)
    const goodbye = once(client.session, 'goaway')
    const drained = test.proxy.drain(4000)
    for (const { status, headers: head } of await Promise.all(answers)) assert.deepEqual([status, head['x-lockkeeper-reason']], [428, 'APPROVAL_PENDING'])
    await Promise.all([goodbye, drained])
  })
})
