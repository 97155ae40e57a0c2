import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { openRoom, signIn, type Browser, type Room } from '../test/console-room.ts'
import { startIdp, type StandInIdp } from '../test/stand-in-idp.ts'

/** Status of a request whose every header the test writes. */
async function raw(origin: string, { method = 'GET', path = '/', headers = {}, body = '' }: { readonly method?: string, readonly path?: string, readonly headers?: Readonly<Record<string, string>>, readonly body?: string }): Promise<number> {
  const { port } = new URL(origin)
  const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers: { host: `localhost:${port}`, ...headers }, agent: false })
  sent.end(body)
  const [response] = await once(sent, 'response') as [import('node:http').IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

describe('the console\'s server', () => {
  let idp: StandInIdp
  let room: Room
  let ada: Browser
  before(async () => { idp = await startIdp() })
  after(() => idp.close())
  beforeEach(async () => {
    Object.assign(idp, { subject: 'ada', claims: {}, forge: false })
    room = await openRoom({ idp })
    ada = room.browser()
    await signIn(ada, idp)
    await ada.me()
  })
  afterEach(() => room.close())

  it('every answer binds the browser: nothing inline, no frames, no sniffing, nothing kept', async () => {
    for (const path of ['/', '/a/apr_x', '/api/sign-in', '/api/me', '/api/nowhere', '/none']) {
      const { headers } = await fetch(new URL(path, room.origin))
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/, path)
      assert.doesNotMatch(policy, /unsafe|\*|data:|http/)
      assert.deepEqual([headers.get('x-content-type-options'), headers.get('referrer-policy'), headers.get('cross-origin-opener-policy'), headers.get('cache-control')], ['nosniff', 'no-referrer', 'same-origin', 'no-store'])
    }
    assert.match((await fetch(new URL('/assets/index-abc.js', room.origin))).headers.get('cache-control') ?? '', /immutable/)
  })

  const hosts = ['127.0.0.1', 'evil.example', 'localhost.evil.example', 'localhost']
  for (const host of hosts) {
    it(`a request for the host ${host} is refused: its DNS may point anywhere`, async () => {
      assert.equal(await raw(room.origin, { headers: { host: host === '127.0.0.1' ? `127.0.0.1:${new URL(room.origin).port}` : host } }), 421)
    })
  }

  const foreign: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['without an origin', { origin: '' }], ['of another port', { origin: 'http://localhost:1' }], ['of an opaque origin', { origin: 'null' }],
    ['that fetch metadata calls cross-site', { 'sec-fetch-site': 'cross-site' }], ['that fetch metadata calls same-site', { 'sec-fetch-site': 'same-site' }], ['typed into the address bar', { 'sec-fetch-site': 'none' }],
    ['without the session\'s token', { 'x-lockkeeper-csrf': '' }], ['with another token', { 'x-lockkeeper-csrf': 'a'.repeat(43) }],
  ]
  for (const [what, headers] of foreign) {
    it(`a change ${what} is refused`, async () => {
      assert.equal((await ada.fetch('/api/locks', { method: 'POST', body: { scope: { kind: 'run', run: 'r' }, reason: 'x' }, headers })).status, 403)
      assert.deepEqual(room.asked, [])
    })
  }

  it('the API is not read by another site\'s page, and its pages may be come to from anywhere', async () => {
    assert.equal((await ada.fetch('/api/me', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
    assert.equal((await ada.fetch('/a/apr_x', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 200)
  })

  const closed = ['/api/me', '/api/inbox', '/api/inbox/stream', '/api/approvals', '/api/approvals/apr_x', '/api/grants', '/api/reviews', '/api/runs', '/api/runs/r', '/api/locks', '/api/load', '/api/passkeys', '/api/unknown']
  for (const path of closed) it(`${path} is closed to whoever is not signed in`, async () => assert.equal((await room.browser().fetch(path)).status, 401))

  it('a cookie that stands twice, is made up or too short names nobody', async () => {
    const [name, value] = [...ada.cookies].find(([each]) => each === 'lockkeeper-session') ?? assert.fail()
    for (const cookie of [`${name}=${value}; ${name}=${value}`, `${name}=${'A'.repeat(43)}`, `${name}=x`, `${name}=`]) assert.equal((await ada.fetch('/api/me', { headers: { cookie } })).status, 401, cookie)
  })

  it('a session ends by idleness, after its time, and by signing out', async () => {
    room.clock.advance(29 * 60_000)
    assert.equal((await ada.me()).status, 200)
    room.clock.advance(31 * 60_000)
    assert.equal((await ada.me()).status, 401)
    await signIn(ada, idp)
    for (let passed = 0; passed < 8 * 60; passed += 20) {
      await ada.me()
      room.clock.advance(20 * 60_000)
    }
    assert.equal((await ada.me()).status, 401)
    await signIn(ada, idp)
    await ada.me()
    const before = new Map(ada.cookies)
    assert.equal((await ada.fetch('/api/sign-out', { method: 'POST', body: {} })).status, 200)
    ada.cookies = before
    assert.equal((await ada.me()).status, 401, 'the id alone brings nothing back')
  })

  it('who is no operator looks and changes nothing', async () => {
    idp.subject = 'vic'
    const vic = room.browser()
    await signIn(vic, idp)
    assert.equal((await (await vic.me()).json() as { readonly operator: boolean }).operator, false)
    assert.equal((await vic.fetch('/api/locks')).status, 200)
    room.asked.length = 0
    for (const [path, body] of [['/api/locks', { scope: { kind: 'everything' }, reason: 'x', confirm: 'everything' }], ['/api/locks/lock_x/lift', { reason: 'x' }], ['/api/grants/grt_x/revoke', { reason: 'x' }], ['/api/approvals/apr_x/revoke', { reason: 'x' }]] as const) assert.equal((await vic.fetch(path, { method: 'POST', body })).status, 403)
    assert.deepEqual(room.asked, [])
  })

  it('a lock carries the person\'s own name, whatever the page says', async () => {
    assert.equal((await ada.fetch('/api/locks', { method: 'POST', body: { scope: { kind: 'run', run: 'r' }, reason: 'x', by: 'max' } })).status, 400)
    assert.equal((await ada.fetch('/api/locks', { method: 'POST', body: { scope: { kind: 'everything' }, reason: 'x' } })).status, 400, 'everything needs its word')
    await ada.fetch('/api/locks', { method: 'POST', body: { scope: { kind: 'run', run: 'r' }, reason: 'x', forMs: 60_000 } })
    assert.deepEqual(room.asked.map(({ body }) => body), [{ scope: { kind: 'run', run: 'r' }, reason: 'x', by: 'ada', until: room.clock.now() + 60_000 }])
  })

  it('ids are escaped on their way: no path of another service is reached', async () => {
    await ada.fetch(`/api/approvals/${encodeURIComponent('../locks?x')}`)
    await ada.fetch(`/api/grants/${encodeURIComponent('a/../../v1/locks')}/revoke`, { method: 'POST', body: { reason: 'x' } })
    assert.deepEqual(room.asked.map(({ path }) => path), ['/v1/approvals/..%2Flocks%3Fx', '/v1/grants/a%2F..%2F..%2Fv1%2Flocks/revoke'])
  })

  const bodies: readonly string[] = ['', '{', '[]', '{"reason":1}', '{"reason":"a","reason":"b"}', '{"reason":"a","__proto__":{}}', JSON.stringify({ reason: 'x'.repeat(70_000) })]
  for (const body of bodies) {
    it(`the body ${body.slice(0, 40) || '(none)'} is refused`, async () => {
      const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const { csrf } = await (await ada.me()).json() as { readonly csrf: string }
      const status = await raw(room.origin, { method: 'POST', path: '/api/locks/lock_a/lift', body, headers: { cookie, origin: room.origin, 'x-lockkeeper-csrf': csrf, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) } })
      assert.ok(status === 400 || status === 413, String(status))
      assert.deepEqual(room.asked, [])
    })
  }

  it('invariant 10: a service that does not answer is said, in words', async () => {
    room.answers = () => { throw new PortUnavailable('down') }
    const response = await ada.fetch('/api/locks')
    assert.equal(response.status, 503)
    assert.match((await response.json() as { readonly detail: string }).detail, /does not answer now/)
  })

  it('a service\'s own refusal arrives in its own words', async () => {
    room.answers = () => ({ status: 403, body: { title: 'POLICY_DENIED', detail: 'ada may not', reason: 'POLICY_DENIED' } })
    const response = await ada.fetch('/api/approvals/apr_x')
    assert.deepEqual([response.status, (await response.json() as { readonly detail: string }).detail], [403, 'ada may not'])
  })

  it('both loopback addresses are the console\'s, so that nobody else is localhost', async function () {
    const { port } = new URL(room.origin)
    const socket = connect({ host: '::1', port: Number(port) })
    const came = await Promise.race([once(socket, 'connect').then(() => 'connect'), once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code)])
    socket.destroy()
    assert.ok(['connect', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(String(came)), String(came))
  })
})
