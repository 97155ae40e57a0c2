import assert from 'node:assert/strict'
import { signMailLink, type MailLink } from '@lockkeeper/domain/mail-link'
import { openRoom, signIn, type Browser, type Room } from '../test/console-room.ts'
import { startIdp, type StandInIdp } from '../test/stand-in-idp.ts'

const KEY = Buffer.alloc(32, 7)
const APPROVAL = 'apr_123abc'

describe('links of mails', () => {
  let idp: StandInIdp
  let room: Room
  let mails = 0
  before(async () => {
    idp = await startIdp()
    room = await openRoom({ decideBy: 'idToken', idp, mailLinkKey: KEY })
    room.answers = ({ path }) => path === `/v1/approvals/${APPROVAL}` ? { status: 200, body: { approval: { id: APPROVAL, digest: 'full:d1' } } } : { status: 404, body: { detail: 'There is no such approval.' } }
  })
  after(async () => {
    await room.close()
    await idp.close()
  })
  const token = (changes: Partial<MailLink> = {}, key: Uint8Array = KEY): string => signMailLink({ approval: APPROVAL, digest: 'full:d1', person: 'ada', until: room.clock.now() + 60_000, mail: `mail-of-its-own-${mails++}`, ...changes }, key)
  const come = async (who: string, to: Room = room): Promise<Browser> => {
    idp.subject = who
    const browser = to.browser()
    await signIn(browser, idp)
    assert.equal((await browser.me()).status, 200)
    return browser
  }
  const open = async (browser: Browser, link: string): Promise<readonly [number, string]> => {
    const response = await browser.fetch('/api/mail-links', { method: 'POST', body: { token: link } })
    const { approval = '', detail = '' } = await response.json() as { readonly approval?: string, readonly detail?: string }
    return [response.status, `${approval}${detail}`]
  }

  it('a link opens its request for the person whom the mail was for, once', async () => {
    const ada = await come('ada')
    const link = token()
    assert.deepEqual(await open(ada, link), [200, APPROVAL])
    const [status, why] = await open(ada, link)
    assert.equal(status, 409)
    assert.match(why, /opened before; each opens once.*inbox/)
    assert.deepEqual(await open(ada, token()), [200, APPROVAL], 'the next mail has a link of its own')
  })

  it('of two that open it at once, on two instances, one does', async () => {
    const beside = await openRoom({ decideBy: 'idToken', idp, mailLinkKey: KEY, beside: room })
    beside.answers = (request) => room.answers(request)
    const [here, there] = [await come('ada'), await come('ada', beside)]
    const link = token()
    const statuses = await Promise.all([open(here, link), open(there, link)])
    assert.deepEqual(statuses.map(([status]) => status).sort(), [200, 409])
    await beside.close()
  })

  it('invariant 7: a scanner that looks at it fifty times uses nothing up, sees nothing of the request and asks nothing of anybody', async () => {
    const link = token()
    const asked = room.asked.length
    const scanner = room.browser()
    for (let times = 0; times < 25; times += 1) {
      for (const method of ['GET', 'HEAD']) {
        const response = await scanner.fetch(`/open/${link}`, { method })
        assert.equal(response.status, 200)
        assert.doesNotMatch(await response.text(), /apr_/)
      }
    }
    assert.equal(room.asked.length, asked)
    assert.deepEqual(await open(await come('ada'), link), [200, APPROVAL])
  })

  it('invariant 7: nobody opens one without being signed in, and no other site does in somebody\'s browser', async () => {
    const link = token()
    assert.equal((await open(room.browser(), link))[0], 401)
    const ada = await come('ada')
    const strange: readonly Readonly<Record<string, string>>[] = [{ origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }, { 'x-lockkeeper-csrf': 'guessed' }]
    for (const headers of strange) {
      assert.equal((await ada.fetch('/api/mail-links', { method: 'POST', body: { token: link }, headers })).status, 403)
    }
    assert.equal((await ada.fetch('/api/mail-links')).status, 404)
    assert.deepEqual(await open(ada, link), [200, APPROVAL])
  })

  it('who is signed in as somebody else is told so, and uses nothing up', async () => {
    const link = token()
    const [status, why] = await open(await come('vic'), link)
    assert.equal(status, 403)
    assert.match(why, /This link is for Ada, and you are signed in as somebody else\. Nothing was decided\..*inbox/i)
    assert.deepEqual(await open(await come('ada'), link), [200, APPROVAL])
  })

  const changed = (changes: Partial<MailLink>, signed: Partial<MailLink> = {}): string => {
    const [payload = '', mac = ''] = token(signed).split('.')
    return `${Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()) as object, ...changes })).toString('base64url')}.${mac}`
  }
  const HOSTILE: readonly (readonly [string, () => string, number, RegExp])[] = [
    ['whose request was swapped', () => changed({ approval: 'apr_other' }), 400, /none of ours, or was changed/], ['whose digest was swapped', () => changed({ digest: 'full:d2' }), 400, /none of ours/],
    ['whose person was swapped', () => changed({ person: 'ada' }, { person: 'vic' }), 400, /none of ours/], ['whose end was moved', () => changed({ until: Number.MAX_SAFE_INTEGER }), 400, /none of ours/],
    ['of another key', () => token({}, Buffer.alloc(32, 8)), 400, /none of ours/], ['that is empty', () => '', 400, /none of ours/], ['that is far too long', () => 'x'.repeat(5_000), 400, /token/],
    ['that is over', () => token({ until: room.clock.now() }), 403, /over.*no denial/], ['of a call that is not the request\'s any more', () => token({ digest: 'full:d0' }), 409, /not the one that the mail was about/],
    ['of a request that is no longer kept', () => token({ approval: 'apr_gone' }), 404, /no such approval/],
  ]
  for (const [what, link, status, why] of HOSTILE) {
    it(`one ${what} opens nothing and says so`, async () => {
      const found = await open(await come('ada'), link())
      assert.equal(found[0], status)
      assert.match(found[1], why)
    })
  }

  it('while the approval service does not answer nothing is used up', async () => {
    const ada = await come('ada')
    const link = token()
    const { answers } = room
    room.answers = () => ({ status: 503, body: { detail: 'down' } })
    assert.equal((await open(ada, link))[0], 503)
    room.answers = answers
    assert.deepEqual(await open(ada, link), [200, APPROVAL])
  })

  it('a console without the key opens none', async () => {
    const other = await openRoom({ decideBy: 'idToken', idp, beside: room })
    assert.match((await open(await come('ada', other), token()))[1], /none of ours/)
    await other.close()
  })

  it('no link is logged', () => assert.equal(room.logged.some((line) => line.includes('/open/') || line.includes('eyJ')), false))
})
