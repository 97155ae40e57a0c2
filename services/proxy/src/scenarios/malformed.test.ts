import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const MALFORMED: readonly (readonly [title: string, text: string])[] = [
  ['a line that is no request', 'HELLO\r\n\r\n'],
  ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['a length and chunks', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: \u0000\r\n\r\n'],
  ['a head over the limit', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`],
]

describe('malformed requests', () => {
  let upstream: TestUpstream
  let test: TestProxy
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  for (const [index, [title, text]] of MALFORMED.entries()) {
    it(`invariant 8: ${title} is refused in Google's shape and recorded`, async () => {
      const answer = await exchange(Number(new URL(test.origin).port), text)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.equal((JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { error: { status: string } }).error.status, 'INVALID_ARGUMENT')
      const outcome = (await test.outcomes(index + 1)).at(-1)
      assert.deepEqual([outcome?.result, outcome?.reason], ['refused', 'REQUEST_INVALID'])
      assert.equal(upstream.seen.length, 0)
    })
  }

  it('a client that breaks off in the middle of a head leaves no record, one that breaks its body has one outcome', async () => {
    const before = (await test.outcomes(MALFORMED.length)).length
    const port = Number(new URL(test.origin).port)
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end('GET / HTT'))
      socket.resume().once('close', () => resolve())
    })
    await exchange(port, `POST /storage.googleapis.com/storage/v1/b?project=p HTTP/1.1\r\nHost: x\r\nAuthorization: ${test.bearer()['authorization']}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`)
    assert.equal((await test.outcomes(before + 1)).length, before + 1)
  })
})

describe('requests that end or ask in an unusual way', () => {
  let upstream: TestUpstream
  let test: TestProxy
  beforeEach(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin })
  })
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
  })
  const head = (verb: string, fields = '') => `${verb} /storage.googleapis.com/storage/v1/b?project=p HTTP/1.1\r\nHost: x\r\nAuthorization: ${test.bearer()['authorization']}\r\n${fields}\r\n`

  it('invariant 5: what follows a change that is on its way and is no request never says that nothing was sent', async () => {
    const reached = Promise.withResolvers<void>()
    upstream.answer = () => reached.resolve()
    const answer = await exchange(test.port, `${head('POST', 'Content-Type: application/json\r\nContent-Length: 12\r\n')}{"name":"b"}`, reached.promise.then(() => 'GARBAGE\r\n\r\n'))
    assert.equal(upstream.seen.length, 1)
    assert.match(answer, /may or may not have happened/)
    assert.doesNotMatch(answer, /Nothing was sent/)
  })

  it('invariant 8: an expectation that is not known is refused in Google\'s shape and recorded', async () => {
    const answer = await exchange(test.port, head('GET', 'Expect: 200-ok\r\nConnection: close\r\n'))
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*INVALID_ARGUMENT/)
    assert.deepEqual([(await test.outcomes(1))[0]?.reason, upstream.seen.length], ['REQUEST_INVALID', 0])
  })

  it('invariant 8: an offer to upgrade is not taken; the request is answered as it stands, and recorded', async () => {
    const answer = await exchange(test.port, head('GET', 'Connection: upgrade, close\r\nUpgrade: h2c\r\n'))
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.equal((await test.outcomes(1))[0]?.result, 'answered')
    assert.deepEqual(upstream.seen.map(({ headers }) => headers['upgrade']), [undefined])
  })

  const KEY = `AIza${'k'.repeat(35)}`
  const telling: readonly (readonly [string, () => string])[] = [
    ['the name of an object', () => head('GET', 'Connection: close\r\n').replace('/b?project=p', `/b/b/o/${KEY}`)],
    ['a path that is not known', () => head('GET', 'Connection: close\r\n').replace('/b?project=p', `/${KEY}`)],
    ['the Host header', () => `GET / HTTP/1.1\r\nHost: ${KEY}/\r\nConnection: close\r\n\r\n`],
    ['the host of a CONNECT', () => `CONNECT ${KEY}:443 HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['the stated reason', () => head('GET', `X-Goog-Request-Reason: ${KEY}\r\nConnection: close\r\n`)],
  ]
  for (const [where, text] of telling) {
    it(`invariant 3: what looks like a credential in ${where} stands in no record`, async () => {
      await exchange(test.port, text())
      assert.equal((await test.outcomes(1)).length, 1)
      assert.ok(!test.written().includes(KEY) && test.written().includes('[struck out]'))
    })
  }

  it('invariant 8: CONNECT without a forward door is refused and recorded', async () => {
    assert.match(await exchange(test.port, 'CONNECT storage.googleapis.com:443 HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 403 /)
    const [outcome] = await test.outcomes(1)
    assert.deepEqual([outcome?.verb, outcome?.host, outcome?.reason], ['CONNECT', 'storage.googleapis.com:443', 'TARGET_UNKNOWN'])
  })
})

/** `late`: text to send once it is known. */
function exchange(port: number, text: string, late?: Promise<string>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let seen = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
  void late?.then((more) => socket.write(more))
  socket.setEncoding('utf8').on('data', (chunk: string) => { seen += chunk })
  socket.once('close', () => resolve(seen)).once('error', (error) => seen === '' ? reject(error) : resolve(seen))
  return promise
}
