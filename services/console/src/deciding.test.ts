import assert from 'node:assert/strict'
import { refuse } from '@lockkeeper/domain/errors'
import { openRoom, PEOPLE, signIn, type Browser, type Room } from '../test/console-room.ts'
import { startIdp, type StandInIdp } from '../test/stand-in-idp.ts'

const ASSERTION = { credential: 'Y3JlZA', clientData: 'Y2Q', authenticatorData: 'YWQ', signature: 'c2ln' }

describe('invariant 7: deciding through the console', () => {
  let idp: StandInIdp
  let room: Room
  let ada: Browser
  const CALL = { approval: { resources: ['//cloudresourcemanager.googleapis.com/projects/shop'], method: 'x.setIamPolicy' }, card: { risk: 'critical' } }
  const answers: Room['answers'] = ({ path, method }) => {
    if (path.endsWith('/challenge')) return { status: 200, body: { digest: 'full:d', nonce: path.includes('reviews') ? 'review:rev_1' : 'full:d', passkey: { challenge: 'Y2g', at: 5 } } }
    return method === 'GET' ? { status: 200, body: CALL } : { status: 200, body: { state: 'approved', approvals: 1, quorum: 1 } }
  }
  const open = async (decideBy: 'passkey' | 'idToken'): Promise<void> => {
    room = await openRoom({ idp, decideBy })
    room.answers = answers
    ada = room.browser()
    await signIn(ada, idp)
    await ada.me()
    room.asked.length = 0
  }
  const said = { verdict: 'approve' as const, reason: 'ok' }
  const decision = { said, digest: 'full:d', confirm: 'shop' }
  before(async () => { idp = await startIdp() })
  after(() => idp.close())
  beforeEach(() => { Object.assign(idp, { subject: 'ada', claims: {}, forge: false }) })
  afterEach(() => room.close())

  it('the passkey\'s assertion goes to the approval service as it came', async () => {
    await open('passkey')
    const challenge = await (await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: decision })).json()
    assert.deepEqual(challenge, { kind: 'passkey', challenge: 'Y2g', at: 5, rpId: 'localhost' })
    assert.equal((await ada.fetch('/api/approvals/apr_1/decisions', { method: 'POST', body: { ...decision, at: 5, assertion: ASSERTION } })).status, 200)
    assert.deepEqual(room.asked.at(-1), { method: 'POST', path: '/v1/approvals/apr_1/decisions', body: { ...said, digest: 'full:d', proof: { kind: 'passkey', at: 5, assertion: ASSERTION } } })
  })

  it('a critical call is approved only with its word typed, and denied without', async () => {
    await open('passkey')
    for (const confirm of [undefined, '', 'Shop', 'projects/shop']) assert.equal((await ada.fetch('/api/approvals/apr_1/decisions', { method: 'POST', body: { said, digest: 'full:d', at: 5, assertion: ASSERTION, ...confirm === undefined ? {} : { confirm } } })).status, 400)
    assert.ok(room.asked.every(({ method }) => method === 'GET'))
    assert.equal((await ada.fetch('/api/approvals/apr_1/decisions', { method: 'POST', body: { said: { verdict: 'deny' }, digest: 'full:d', at: 5, assertion: ASSERTION } })).status, 200)
  })

  it('invariant 4: no proof is asked for a call that is not the one on the page', async () => {
    await open('passkey')
    assert.equal((await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: { ...decision, digest: 'full:other' } })).status, 409)
  })

  it('in the cloud the identity provider\'s fresh token proves the decision, under the nonce of this decision', async () => {
    await open('idToken')
    const { location } = await (await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: decision })).json() as { readonly location: string }
    const back = idp.authorise(location)
    assert.deepEqual(['nonce', 'prompt', 'max_age', 'code_challenge_method', 'response_type'].map((name) => idp.asked?.get(name)), ['full:d', 'login', '0', 'S256', 'code'])
    const done = await ada.fetch(back.pathname + back.search)
    assert.match(await done.text(), /url=&#47;a&#47;apr_1|url=\/a\/apr_1/)
    const { path, body } = room.asked.at(-1) as { readonly path: string, readonly body: { readonly proof: { readonly kind: string, readonly token: string } } }
    assert.equal(path, '/v1/approvals/apr_1/decisions')
    assert.deepEqual({ ...body, proof: body.proof.kind }, { ...said, digest: 'full:d', proof: 'idToken' })
    assert.equal((await ada.fetch(back.pathname + back.search)).status, 401, 'once')
    assert.ok(room.logged.every((line) => !line.includes(body.proof.token)), 'no token is logged')
  })

  const stale: readonly (readonly [string, () => void])[] = [
    ['that is not fresh', () => { idp.claims = { auth_time: Math.floor(Date.now() / 1000) - 3600 } }],
    ['that does not say when the person showed themselves', () => { idp.claims = { auth_time: null } }],
    ['with another nonce', () => { idp.claims = { nonce: 'deny:full:d' } }],
    ['for another audience', () => { idp.claims = { aud: 'agents' } }],
    ['of another issuer', () => { idp.claims = { iss: 'https://evil.example' } }],
    ['that is over', () => { idp.claims = { exp: Math.floor(Date.now() / 1000) - 600, iat: Math.floor(Date.now() / 1000) - 900 } }],
    ['that another key signed', () => { idp.forge = true }],
    ['of somebody else', () => { idp.subject = 'vic' }],
    ['of a disabled person', () => { idp.subject = 'gone' }],
    ['of nobody known', () => { idp.subject = 'stranger' }],
  ]
  for (const [what, bend] of stale) {
    it(`a token ${what} decides nothing`, async () => {
      await open('idToken')
      const { location } = await (await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: decision })).json() as { readonly location: string }
      bend()
      const back = idp.authorise(location)
      const done = await ada.fetch(back.pathname + back.search)
      assert.ok(done.status >= 400)
      assert.match(await done.text(), /That did not work/)
      assert.ok(room.asked.every(({ path }) => !path.endsWith('/decisions')))
    })
  }

  it('the way back works in the browser that began it only, and not with another state', async () => {
    await open('idToken')
    const { location } = await (await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: decision })).json() as { readonly location: string }
    const back = idp.authorise(location)
    const state = back.searchParams.get('state') ?? ''
    assert.equal((await room.browser().fetch(back.pathname + back.search)).status, 401)
    assert.equal((await ada.fetch(back.pathname + back.search.replace(state, 'x'.repeat(state.length)))).status, 401)
    assert.equal((await ada.fetch(back.pathname + back.search)).status, 401, 'who tried from elsewhere used it up')
    assert.ok(room.asked.every(({ path }) => !path.endsWith('/decisions')))
  })

  it('sign-ins that nobody ends keep no person from deciding', async () => {
    await open('idToken')
    const flood = await Promise.all(Array.from({ length: 250 }, async () => (await room.browser().fetch('/sign-in/with/people')).status))
    assert.ok(flood.includes(503))
    assert.equal((await ada.fetch('/api/approvals/apr_1/challenge', { method: 'POST', body: decision })).status, 200)
  })

  it('where the identity provider proves decisions, no passkey does, and none is made', async () => {
    await open('idToken')
    assert.equal((await ada.fetch('/api/approvals/apr_1/decisions', { method: 'POST', body: { ...decision, at: 5, assertion: ASSERTION } })).status, 400)
    for (const path of ['/api/passkeys/registrations', '/api/passkeys/new', '/api/sign-in/passkey/challenge']) assert.equal((await ada.fetch(path, { method: 'POST', body: { code: 'x' } })).status, 404, path)
  })

  it('a review is closed with a proof of its own', async () => {
    await open('idToken')
    const { location } = await (await ada.fetch('/api/reviews/rev_1/challenge', { method: 'POST', body: { note: 'seen' } })).json() as { readonly location: string }
    const back = idp.authorise(location)
    assert.equal(idp.asked?.get('nonce'), 'review:rev_1')
    await ada.fetch(back.pathname + back.search)
    assert.equal(room.asked.at(-1)?.path, '/v1/reviews/rev_1/close')
  })
})

describe('signing in at the console', () => {
  let idp: StandInIdp
  before(async () => { idp = await startIdp() })
  after(() => idp.close())
  beforeEach(() => { Object.assign(idp, { subject: 'ada', claims: {}, forge: false }) })

  it('a sign-in has a nonce of its own form, so that its token proves no decision', async () => {
    const room = await openRoom({ idp })
    try {
      const browser = room.browser()
      await signIn(browser, idp)
      assert.match(idp.asked?.get('nonce') ?? '', /^sign-in:/)
      assert.equal((await browser.me()).status, 200)
    } finally {
      await room.close()
    }
  })

  it('an unknown or disabled person is not signed in', async () => {
    const room = await openRoom({ idp })
    try {
      for (const subject of ['stranger', 'gone']) {
        idp.subject = subject
        const browser = room.browser()
        assert.ok((await signIn(browser, idp)).status >= 400)
        assert.equal((await browser.me()).status, 401)
      }
    } finally {
      await room.close()
    }
  })

  it('a passkey signs in under a nonce that is good once, in one browser, for ten minutes', async () => {
    const room = await openRoom()
    try {
      room.answers = ({ path }) => path === '/v1/passkeys/challenges' ? { status: 200, body: { challenge: 'Y2g', at: 7 } } : { status: 200, body: { person: 'ada' } }
      const [ada, other] = [room.browser(), room.browser()]
      const begin = async (browser: Browser): Promise<string> => (await (await browser.fetch('/api/sign-in/passkey/challenge', { method: 'POST', body: {} })).json() as { readonly nonce: string }).nonce
      const finish = (browser: Browser, nonce: string) => browser.fetch('/api/sign-in/passkey', { method: 'POST', body: { nonce, assertion: ASSERTION } })
      const nonce = await begin(ada)
      assert.equal((await finish(other, nonce)).status, 401)
      assert.equal((await finish(ada, nonce)).status, 401, 'tried from elsewhere, it is used up')
      const late = await begin(ada)
      room.clock.advance(600_000)
      assert.equal((await finish(ada, late)).status, 401)
      const good = await begin(ada)
      assert.equal((await finish(ada, good)).status, 200)
      assert.deepEqual(room.asked.at(-1)?.body, { nonce: good, at: 7, assertion: ASSERTION })
      assert.equal((await ada.me()).status, 200)
      assert.equal((await finish(ada, good)).status, 401)
    } finally {
      await room.close()
    }
  })

  it('behind Identity-Aware Proxy its word counts: no session of one person serves another', async () => {
    const [ada, vic] = PEOPLE
    const room = await openRoom({ iap: async (assertion) => (assertion === 'ada' ? ada : assertion === 'vic' ? vic : undefined) ?? refuse('TOKEN_INVALID', 'no assertion') })
    try {
      const browser = room.browser()
      const me = async (assertion: string | undefined): Promise<string | number> => {
        const response = await browser.fetch('/api/me', { headers: assertion === undefined ? {} : { 'x-goog-iap-jwt-assertion': assertion } })
        return response.ok ? (await response.json() as { readonly person: { readonly id: string } }).person.id : response.status
      }
      assert.equal(await me('ada'), 'ada')
      assert.equal(await me(undefined), 401)
      assert.equal(await me('vic'), 'vic')
      assert.equal(await me('forged'), 401)
    } finally {
      await room.close()
    }
  })
})
