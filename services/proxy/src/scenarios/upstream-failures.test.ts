import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { call, type Response } from '../testing/raw-client.ts'
import { findCanary, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startRawUpstream, type RawUpstream } from '../testing/test-upstream.ts'

const READ = '/storage.googleapis.com/storage/v1/b/dev'
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

describe('an upstream that fails', () => {
  let upstream: RawUpstream
  let test: TestProxy
  let sent = 0
  before(async () => {
    upstream = await startRawUpstream(() => undefined)
    test = await startTestProxy({ upstream: upstream.origin, settings: { upstreamHeadersMs: 150, upstreamBodyMs: 150 } })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  const read = (): Promise<Response> => call(test.origin, READ, { headers: (sent++, test.bearer()) })
  const change = (): Promise<Response> => call(test.origin, READ, { method: 'PATCH', headers: { ...(sent++, test.bearer()), 'content-type': 'application/json' }, body: '{"labels":{"a":"b"}}' })
  const outcome = async () => (await test.outcomes(sent))[sent - 1]

  type Script = RawUpstream['script']
  const cases: readonly (readonly [string, Script, string, number])[] = [
    ['resets before its headers', (socket) => socket.resetAndDestroy(), 'UPSTREAM_RESET', 502],
    ['closes before its headers', (socket) => void socket.end(), 'UPSTREAM_RESET', 502],
    ['resets in its headers', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-', () => socket.resetAndDestroy()), 'UPSTREAM_RESET', 502],
    ['resets between headers and body', (socket) => void socket.write(`${HEAD}Content-Length: 10\r\n\r\n`, () => socket.resetAndDestroy()), 'UPSTREAM_RESET', 502],
    ['resets in a small body', (socket) => void socket.write(`${HEAD}Content-Length: 10\r\n\r\n{"a":`, () => socket.resetAndDestroy()), 'UPSTREAM_RESET', 502],
    ['closes before a chunked body ends', (socket) => void socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`), 'UPSTREAM_RESET', 502],
    ['sends no headers in time', () => undefined, 'UPSTREAM_TIMEOUT', 504],
    ['sends its body too slowly', (socket) => void socket.write(`${HEAD}Content-Length: 10\r\n\r\n{`), 'UPSTREAM_TIMEOUT', 504],
    ['speaks no HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 'UPSTREAM_INVALID', 502],
    ['sends two different lengths', (socket) => void socket.end(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`), 'UPSTREAM_INVALID', 502],
    ['sends a length and chunks', (socket) => void socket.end(`${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`), 'UPSTREAM_INVALID', 502],
    ['sends a malformed chunk', (socket) => void socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`), 'UPSTREAM_INVALID', 502],
    ['sends endless headers', (socket) => void socket.write(`${HEAD}X: ${'x'.repeat(40_000)}\r\n`), 'UPSTREAM_INVALID', 502],
    ['sends a header without a name', (socket) => void socket.end(`${HEAD}: x\r\nContent-Length: 2\r\n\r\n{}`), 'UPSTREAM_INVALID', 502],
    ['sends two content types', (socket) => void socket.end(`${HEAD}Content-Type: text/html\r\nContent-Length: 2\r\n\r\n{}`), 'UPSTREAM_INVALID', 502],
  ]
  for (const [title, script, reason, status] of cases) {
    it(`and ${title} is ${reason} for a read`, async () => {
      upstream.script = script
      const answer = await read()
      assert.deepEqual([answer.status, answer.reason()], [status, reason])
      const record = await outcome()
      assert.deepEqual([record?.result, record?.kind === 'outcome' && record.reason], ['failed', reason])
    })
    it(`and ${title} leaves it open whether a change has happened`, async () => {
      upstream.script = script
      const dials = upstream.received.length
      const answer = await change()
      assert.equal(answer.reason(), reason)
      assert.match(answer.text(), /may or may not have happened|not passed on/)
      const record = await outcome()
      assert.equal(upstream.received.length - dials, 1, 'a change is never sent again by itself')
      const intent = test.records.findIndex(({ id }) => id === (record?.kind === 'outcome' ? record.intent : undefined))
      assert.ok(intent !== -1 && test.records[intent]?.kind === 'intent')
    })
  }

  it('in the middle of a large body ends the agent\'s connection, not the body', async () => {
    upstream.script = (socket) => void socket.write(`${HEAD}Content-Length: 300000\r\n\r\n${'x'.repeat(200_000)}`, () => setTimeout(() => socket.resetAndDestroy(), 30))
    await assert.rejects(read())
    const record = await outcome()
    assert.deepEqual([record?.result, record?.kind === 'outcome' && record.status], ['failed', 200])
  })

  for (const [status, name] of [[500, 'INTERNAL'], [502, 'UNAVAILABLE'], [503, 'UNAVAILABLE'], [504, 'DEADLINE_EXCEEDED']] as const) {
    it(`a page of HTML with status ${status} becomes an error that every client reads, with its status kept`, async () => {
      upstream.script = (socket) => void socket.end(`HTTP/1.1 ${status} Error\r\nContent-Type: text/html\r\nRetry-After: 7\r\nContent-Disposition: inline\r\nContent-Length: 20\r\n\r\n<html>secret</html>x`)
      const answer = await read()
      assert.deepEqual([answer.status, answer.reason(), answer.headers['retry-after'], answer.headers['content-disposition']], [status, 'UPSTREAM_ERROR', '7', undefined])
      assert.equal((answer.json() as { error: { status: string, code: number } }).error.status, name)
      assert.ok(!answer.text().includes('secret'))
      assert.equal((await outcome())?.result, 'answered')
    })
  }

  it('a Google-shaped 503 passes as it is', async () => {
    const body = '{"error":{"code":503,"status":"UNAVAILABLE"}}'
    upstream.script = (socket) => void socket.end(`HTTP/1.1 503 Error\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    const answer = await read()
    assert.deepEqual([answer.status, answer.text()], [503, body])
    await outcome()
  })

  it('interim answers and trailers stay here', async () => {
    upstream.script = (socket) => void socket.end(`HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${HEAD}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\n{}\r\n0\r\nX-T: secret\r\n\r\n`)
    const answer = await read()
    assert.deepEqual([answer.status, answer.text(), answer.headers['trailer'], answer.headers['x-t']], [200, '{}', undefined, undefined])
    await outcome()
  })

  it('a switch of protocols is no answer', async () => {
    upstream.script = (socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    const answer = await read()
    assert.ok(answer.status >= 502)
    await outcome()
  })

  it('redirects are not followed', async () => {
    const dials = upstream.received.length
    upstream.script = (socket) => void socket.end(`HTTP/1.1 302 Found\r\nLocation: ${upstream.origin}/storage/v1/b/other?x=1\r\nContent-Length: 0\r\n\r\n`)
    const answer = await read()
    assert.deepEqual([answer.status, answer.headers['location'], upstream.received.length - dials], [302, `${test.origin}/storage.googleapis.com/storage/v1/b/other?x=1`, 1])
    await outcome()
  })

  it('a port on which nobody listens is UPSTREAM_UNREACHABLE, and a change was not sent', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    const other = await startTestProxy({ upstream: `http://127.0.0.1:${port}` })
    const answer = await call(other.origin, READ, { method: 'DELETE', headers: other.bearer() })
    assert.deepEqual([answer.status, answer.reason()], [502, 'UPSTREAM_UNREACHABLE'])
    assert.match(answer.text(), /Nothing was sent/)
    await other.stop()
  })

  it('invariant 3: neither token stands in any record or log of all this', () => assert.equal(findCanary(test.written()), undefined))
})
