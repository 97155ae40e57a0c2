/** The console as the cloud has it, in a real Chromium: people sign in at an identity provider, and a fresh sign-in proves each decision (invariant 7). */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import { createApproverVerifier, createPeopleDirectory } from '@lockkeeper/auth'
import { collections, builtPage, createConsoleService, createOidcClient, createServiceApi, openConsoleServer, type ConsoleServer } from '@lockkeeper/console'
import { isRefusal } from '@lockkeeper/domain/errors'
import { signMailLink } from '@lockkeeper/domain/mail-link'
import type { SandboxPeopleIdp } from '@lockkeeper/sandbox'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import type { Browser } from 'playwright-core'
import { adminRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { decideAtTerminal } from '../gateway/decide-at-terminal.ts'
import { PEOPLE } from '../testing/approvers.ts'
import { findChromium, openBrowser, openTab, type Tab } from '../testing/browser.ts'
import { ALLOW, ASK_FOR_ACCESS, oneMoreViewer, PROJECT_POLICY } from '../testing/calls.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const CLIENT = 'lockkeeper-console'
const MAIL_LINK_KEY = Buffer.alloc(32, 7)
const chromium = findChromium()

if (chromium === undefined) describeNotRun('scenario: signing in at the console', 'no Chromium: install one or name it in CHROMIUM', process.env['REQUIRE_CHROMIUM'] === '1' ? 'REQUIRE_CHROMIUM=1' : undefined)
else describe('scenario: signing in at the console', function () {
  this.timeout(30_000)
  let idp: SandboxPeopleIdp
  let test: TestGateway
  let admin: AdminServer
  let store: SqliteStore
  let server: ConsoleServer
  let drain: () => Promise<void>
  let browser: Browser
  let tab: Tab

  before(async () => {
    const { startSandboxPeopleIdp } = await import('@lockkeeper/sandbox')
    idp = await startSandboxPeopleIdp({ client: { id: CLIENT, redirectUri: 'http://localhost/sign-in/callback' }, people: ['ada', 'max', 'mallory'] })
    const approverIssuers = [{ name: 'people', issuer: idp.issuer, audience: CLIENT, algorithms: ['ES256'] }]
    test = await startTestGateway({ policies: [{ ...ASK_FOR_ACCESS, approval: { reviewers: ['group:approvers'] } }, { ...ALLOW, methods: ['cloudresourcemanager.projects.getIamPolicy'] }], people: PEOPLE, config: { approverIssuers, hold: '55s' } })
    const socketPath = join(test.gateway.directory, 'admin.sock')
    admin = await openAdminServer(socketPath, adminRoutes(test.gateway, test.loaded, 'none'))
    store = await openSqlite({ file: join(test.gateway.directory, 'console.sqlite'), collections, clock: test.clock })
    const people = createPeopleDirectory(test.loaded.people)
    const approvers = createApproverVerifier({ issuers: test.loaded.config.approverIssuers, people, clock: test.clock, mode: 'sandbox' })
    const quiet = (): void => undefined
    const [log, api] = [{ debug: quiet, info: quiet, warn: quiet, error: quiet }, createServiceApi({ socketPath })]
    const service = createConsoleService({
      clock: test.clock, documents: store.documents, log, people, approval: api, audit: api, page: builtPage(), origin: () => `http://localhost:${server.port}`, mailLinkKey: MAIL_LINK_KEY,
      clients: [createOidcClient({ name: 'people', label: 'Sandbox', issuer: idp.issuer, clientId: CLIENT, mode: 'sandbox', clock: test.clock, verify: (token, nonce) => approvers.verifyApproverToken(token, nonce) })],
    }, { mode: 'sandbox', operators: 'approvers', decideBy: 'idToken' }, false)
    server = await openConsoleServer(service.routes, { port: 0, log })
    drain = () => service.drain()
    browser = await openBrowser(chromium)
  })
  after(async () => {
    await browser.close()
    await drain()
    await server.close()
    await store.close()
    await admin.close()
    await test.close()
    await idp.close()
  })
  beforeEach(async () => { tab = await openTab(browser, `http://localhost:${server.port}`) })
  afterEach(async () => {
    await tab.close()
    assert.deepEqual(tab.faults, [], 'no breach of the content security policy, no error of a script')
  })

  const heading = (name: string | RegExp): Promise<void> => tab.page.getByRole('heading', { level: 1, name }).waitFor()
  const toIdp = async (): Promise<void> => {
    await tab.page.goto('/')
    await tab.page.getByRole('link', { name: 'Sign in with Sandbox' }).click()
    await heading('Who are you?')
  }
  const signIn = async (person: string): Promise<void> => {
    await toIdp()
    await tab.page.getByRole('button', { name: person }).click()
  }
  /** A held call of class critical, its card open, everything typed and the way to the provider taken. */
  const decideCritical = async (agent: string) => {
    const { id } = await test.agent(agent)
    const answer = (await test.agent(agent)).post(`${PROJECT_POLICY}:setIamPolicy`, oneMoreViewer(test, `user:${id}@sandbox.example.com`))
    const { approval } = await test.facts.next('approval.requested', agent)
    await tab.page.goto(`/a/${approval}`)
    await tab.page.getByLabel(/To approve, type/).fill('sandbox-project')
    await tab.page.getByRole('button', { name: /^Approve/ }).click()
    await heading('Who are you?')
    return { answer, approval }
  }

  it('the code flow with PKCE, state and nonce signs in; nothing of it stands in the address afterwards', async () => {
    await signIn('ada')
    await heading('Inbox')
    const asked = idp.asked.at(-1)
    assert.deepEqual([asked?.get('response_type'), asked?.get('code_challenge_method'), asked?.get('code_challenge')?.length, asked?.get('prompt')], ['code', 'S256', 43, null])
    assert.match(asked?.get('nonce') ?? '', /^sign-in:[\w-]{43}$/)
    assert.match(asked?.get('state') ?? '', /^[\w-]{43}$/)
    assert.equal(new URL(tab.page.url()).search, '')
    assert.deepEqual(await tab.axe(), [])
  })

  it('a mail\'s link leads through the sign-in to its request, for its receiver, once', async () => {
    const agent = await test.agent('mailed')
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, oneMoreViewer(test, 'user:mailed@sandbox.example.com'))
    const { approval, expiresAt } = await test.facts.next('approval.requested', 'mailed')
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown))
    const { digest } = shown.approval
    const link = (person: string): string => `/open/${signMailLink({ approval, digest, person, until: expiresAt, mail: `mail-for-${person}-000000` }, MAIL_LINK_KEY)}`
    await tab.page.goto(link('ada'))
    await tab.page.getByRole('link', { name: 'Sign in with Sandbox' }).click()
    await tab.page.getByRole('button', { name: 'ada' }).click()
    await heading(/sandbox-project/)
    assert.equal(new URL(tab.page.url()).pathname, `/a/${approval}`)
    for (const [opened, why] of [[link('ada'), /each opens once/], [link('max'), /This link is for .*, and you are signed in as somebody else/], [`${link('ada')}x`, /none of ours/]] as const) {
      await tab.page.goto(opened)
      await heading('This link does not open')
      await tab.page.getByText(why).waitFor()
    }
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByRole('link', { name: 'To your inbox' }).click()
    await heading('Inbox')
    await tab.page.goto(`/a/${approval}`)
    await tab.page.getByRole('button', { name: 'Deny' }).waitFor()
    await decideAtTerminal(test.gateway, 'ada', approval, 'deny')
    assert.equal((await waiting).reason, 'APPROVAL_DENIED')
  })

  it('an answer with another state, or a second time, signs nobody in and says so', async () => {
    await toIdp()
    const callback = tab.page.waitForRequest(/\/sign-in\/callback/)
    await tab.page.route('**/sign-in/callback*', (route) => route.abort())
    await tab.page.getByRole('button', { name: 'ada' }).click()
    const good = new URL((await callback).url())
    await tab.page.unrouteAll()
    const bent = new URL(good)
    bent.searchParams.set('state', 'x'.repeat(43))
    for (const url of [bent, good, good]) {
      await tab.page.goto(url.href)
      if (url === bent) {
        await heading('That did not work')
        await tab.page.getByText('Nothing was decided').waitFor()
        assert.deepEqual(await tab.axe(), [])
      }
    }
    await heading('That did not work')
  })

  it('who is unknown here is told so, and is not signed in', async () => {
    await signIn('mallory')
    await heading('That did not work')
    await tab.page.getByText(/no known person|is not known/i).waitFor()
    await tab.page.goto('/')
    await heading('Sign in')
  })

  it('invariant 7: a critical call is approved by a fresh sign-in whose token names exactly this decision', async () => {
    await signIn('ada')
    await heading('Inbox')
    const { answer } = await decideCritical('grave')
    const asked = idp.asked.at(-1)
    assert.deepEqual([asked?.get('prompt'), asked?.get('max_age')], ['login', '0'])
    assert.match(asked?.get('nonce') ?? '', /^approve:apr_\w+:full:/)
    await tab.page.getByRole('button', { name: 'ada' }).click()
    await tab.page.getByText('The call can run now, once.').or(tab.page.getByText(/Approved|ran/)).first().waitFor()
    assert.equal((await answer).status, 200)
  })

  it('invariant 6: who comes back from the provider as somebody else decides nothing', async () => {
    await signIn('ada')
    await heading('Inbox')
    // At the provider somebody else takes the seat.
    await tab.context.clearCookies({ domain: '127.0.0.1' })
    const { answer, approval } = await decideCritical('other')
    await tab.page.getByRole('button', { name: 'max' }).click()
    await heading('That did not work')
    await tab.page.getByText('You are signed in here as ada and came back as somebody else. Nothing was decided.').waitFor()
    await test.gateway.approval.admin.revoke({ id: approval, by: 'ada', reason: 'the test is over' })
    assert.notEqual((await answer).status, 200)
  })

  it('a sign-out everywhere ends the other browser\'s page as well', async () => {
    await signIn('ada')
    await heading('Inbox')
    const other = await openTab(browser, `http://localhost:${server.port}`)
    try {
      const mine = tab
      tab = other
      await signIn('ada')
      await heading('Inbox')
      tab = mine
      await tab.page.goto('/sign-ins')
      await tab.page.getByRole('heading', { name: 'Another browser' }).first().waitFor()
      await tab.page.getByRole('button', { name: 'Sign out everywhere' }).click()
      await heading('Sign in')
      await other.page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
    } finally {
      await other.close()
    }
  })
})
