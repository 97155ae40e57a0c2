import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PortUnavailable, type DocumentStore } from '@lockkeeper/domain/ports'
import { openRoom, signIn, type Browser, type Room } from '../test/console-room.ts'
import { startIdp, type StandInIdp } from '../test/stand-in-idp.ts'

const SEEN_MS = 2_000
const ASSERTION = { credential: 'Y3JlZA', clientData: 'Y2Q', authenticatorData: 'YWQ', signature: 'c2ln' }

describe('several instances of the console over one store', () => {
  let idp: StandInIdp
  let one: Room
  let two: Room
  before(async () => { idp = await startIdp() })
  after(() => idp.close())
  beforeEach(async () => {
    Object.assign(idp, { subject: 'ada', claims: {}, forge: false })
    one = await openRoom({ idp })
    two = await openRoom({ idp, beside: one })
  })
  afterEach(async () => {
    await two.close()
    await one.close()
  })

  /** The same browser, at another instance. */
  const at = (room: Room, browser: Browser): Browser => Object.assign(room.browser(), { cookies: browser.cookies })
  const signedIn = async (subject = 'ada'): Promise<Browser> => {
    idp.subject = subject
    const browser = one.browser()
    assert.equal((await signIn(browser, idp)).status, 200)
    assert.equal((await browser.me()).status, 200)
    return browser
  }
  const begin = async (browser: Browser): Promise<URL> => idp.authorise((await browser.fetch('/sign-in/with/people')).headers.get('location') ?? '')

  it('who signed in at one is signed in at the other, with the same token, and after a restart', async () => {
    const ada = await signedIn()
    const there = at(two, ada)
    assert.deepEqual(await (await there.me()).json(), await (await ada.me()).json())
    assert.equal((await there.fetch('/api/locks', { method: 'POST', body: { scope: { kind: 'run', run: 'r' }, reason: 'drill' } })).status, 200)
    await two.close()
    two = await openRoom({ idp, beside: one })
    assert.equal((await at(two, ada).me()).status, 200)
  })

  it('a sign-out at one holds at the other within two seconds, and ends its streams', async () => {
    const ada = await signedIn()
    const there = at(two, ada)
    two.answers = ({ path }) => path.startsWith('/v1/waiting') ? { status: 200, body: { waiting: [] } } : undefined
    const stream = await there.fetch('/api/inbox/stream')
    assert.equal((await there.me()).status, 200)
    const { cookies } = ada
    ada.cookies = new Map(cookies)
    assert.equal((await ada.fetch('/api/sign-out', { method: 'POST', body: {} })).status, 200)
    one.clock.advance(SEEN_MS)
    assert.equal((await Object.assign(there, { cookies }).me()).status, 401)
    assert.match(await stream.text(), /event: signed-out/)
  })

  it('signing out everywhere ends each of a person\'s sessions; for somebody else an operator alone may do it', async () => {
    const [ada, again, vic] = [await signedIn(), await signedIn(), await signedIn('vic')]
    const { signIns } = await (await ada.fetch('/api/sign-ins')).json() as { readonly signIns: readonly { readonly current: boolean }[] }
    assert.deepEqual(signIns.map(({ current }) => current).sort(), [false, true])
    const end = async (browser: Browser, body: object): Promise<readonly [number, unknown]> => {
      const response = await browser.fetch('/api/sign-ins/end', { method: 'POST', body })
      return [response.status, (await response.json() as { readonly ended?: number }).ended]
    }
    for (const person of ['ada', 'nobody']) assert.deepEqual(await end(vic, { person }), [403, undefined])
    assert.deepEqual(await end(ada, { person: 'nobody' }), [404, undefined])
    assert.deepEqual(await end(ada, { person: 'vic' }), [200, 1])
    assert.deepEqual([(await vic.me()).status, (await ada.me()).status], [401, 200])
    assert.deepEqual(await end(again, {}), [200, 2])
    one.clock.advance(SEEN_MS)
    assert.deepEqual([(await ada.me()).status, (await at(two, again).me()).status], [401, 401])
  })

  it('a round through the identity provider may end at another instance, and ends once', async () => {
    const browser = one.browser()
    const back = await begin(browser)
    const there = at(two, browser)
    const done = await Promise.all([browser, there].map((each) => each.fetch(back.pathname + back.search)))
    assert.deepEqual(done.map(({ status }) => status).sort(), [200, 401])
    assert.equal((await there.me()).status, 200)
  })

  it('an answer with a made-up or another round\'s state is refused at every instance', async () => {
    const [browser, other] = [one.browser(), one.browser()]
    const [back, others] = [await begin(browser), await begin(other)]
    const bent = (state: string): string => `${back.pathname}?${new URLSearchParams({ code: back.searchParams.get('code') ?? '', state }).toString()}`
    for (const state of ['', 'x'.repeat(43), others.searchParams.get('state') ?? '']) assert.equal((await at(two, browser).fetch(bent(state))).status, 401, state)
  })

  it('a passkey sign-in may end at another instance', async () => {
    one.answers = two.answers = ({ path }) => path === '/v1/passkeys/challenges' ? { status: 200, body: { challenge: 'Y2g', at: 7 } } : { status: 200, body: { person: 'ada' } }
    const browser = one.browser()
    const { nonce } = await (await browser.fetch('/api/sign-in/passkey/challenge', { method: 'POST', body: {} })).json() as { readonly nonce: string }
    assert.equal((await at(two, browser).fetch('/api/sign-in/passkey', { method: 'POST', body: { nonce, assertion: ASSERTION } })).status, 200)
    assert.equal((await browser.fetch('/api/sign-in/passkey', { method: 'POST', body: { nonce, assertion: ASSERTION } })).status, 401)
  })

  it('a session ends half an hour after its last use and eight hours after it began, wherever it was used', async () => {
    const [idle, busy] = [await signedIn(), await signedIn()]
    for (let hours = 0; hours < 16; hours += 1) {
      one.clock.advance(29 * 60_000)
      assert.equal((await at(hours % 2 === 0 ? two : one, busy).me()).status, 200)
    }
    assert.equal((await idle.me()).status, 401)
    one.clock.advance(29 * 60_000)
    assert.equal((await busy.me()).status, 401, 'over eight hours')
  })

  it('of one person\'s sessions the twenty newest stay', async () => {
    const first = await signedIn()
    for (let more = 0; more < 20; more += 1) {
      one.clock.advance(1)
      await signedIn()
    }
    one.clock.advance(SEEN_MS)
    assert.equal((await first.me()).status, 401)
  })

  it('the store holds nothing that signs in, forges a request or redeems a code', async () => {
    const ada = await signedIn()
    const { csrf } = await (await ada.me()).json() as { readonly csrf: string }
    const other = one.browser()
    const back = await begin(other)
    const all = globSync('store.sqlite*', { cwd: one.folder }).map((file) => readFileSync(join(one.folder, file), 'latin1')).join('')
    assert.ok(all.includes('"person":"ada"') && all.includes('"nonce":"sign-in:'))
    for (const secret of [csrf, ...ada.cookies.values(), ...other.cookies.values(), back.searchParams.get('state') ?? '']) assert.ok(secret.length > 20 && !all.includes(secret))
  })

  it('invariant 10: while the store is down nobody is signed in or out, and the page is told so', async () => {
    const ada = await signedIn()
    const down = (): never => { throw new PortUnavailable('down') }
    const documents: DocumentStore = { read: async () => down(), transact: async () => down(), query: async () => down(), watch: down }
    const three = await openRoom({ idp, beside: one, documents })
    try {
      const there = at(three, ada)
      for (const path of ['/api/me', '/api/inbox', '/api/inbox/stream', '/sign-in/with/people']) {
        const answer = await there.fetch(path)
        assert.equal(answer.status, 503, path)
        assert.match(answer.headers.get('content-type') ?? '', path.startsWith('/api/') ? /^application\/problem\+json/ : /^text\/html/)
        assert.match(await answer.text(), /does not answer now/)
      }
      assert.equal((await ada.me()).status, 200)
    } finally {
      await three.close()
    }
  })

  it('who begins more sign-ins than people do is slowed down, and others are let in again a moment later', async () => {
    const browser = one.browser()
    let status = 303
    for (let tries = 0; tries < 400 && status === 303; tries += 1) ({ status } = await browser.fetch('/sign-in/with/people'))
    assert.equal(status, 503)
    one.clock.advance(1_000)
    assert.equal((await browser.fetch('/sign-in/with/people')).status, 303)
  })
})
