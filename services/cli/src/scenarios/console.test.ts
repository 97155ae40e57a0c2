/** The console in a real Chromium: people sign in with passkeys and decide real held calls (invariants 4, 6, 7 and 11). */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import type { Browser } from 'playwright-core'
import { adminRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { consoleInvitation } from '../gateway/console-invitation.ts'
import { findChromium, openBrowser, openTab, type Tab } from '../testing/browser.ts'
import { ALLOW, ASK_FOR_ACCESS, ASK_TO_PUBLISH, message, oneMoreViewer, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const chromium = findChromium()
const PICTURES = process.env['LOCKKEEPER_PICTURES']

if (chromium === undefined) describeNotRun('scenario: the console', 'no Chromium: install one or name it in CHROMIUM', process.env['REQUIRE_CHROMIUM'] === '1' ? 'REQUIRE_CHROMIUM=1' : undefined)
else describe('scenario: the console', function () {
  this.timeout(30_000)
  let test: TestGateway
  let admin: AdminServer
  let browser: Browser
  let tab: Tab
  const origin = (): string => test.gateway.console?.origin ?? assert.fail('no console')

  before(async () => {
    test = await startTestGateway({ policies: [ASK_TO_PUBLISH, { ...ASK_FOR_ACCESS, approval: { reviewers: ['group:approvers'], reason: 'required' } }, { ...ALLOW, methods: ['storage.buckets.*', 'cloudresourcemanager.projects.getIamPolicy'] }], config: { console: { port: 0 }, hold: '55s' } })
    admin = await openAdminServer(join(test.gateway.directory, 'admin.sock'), adminRoutes(test.gateway, test.loaded, 'none'))
    browser = await openBrowser(chromium)
    tab = await openTab(browser, origin())
  })
  after(async () => {
    await browser.close()
    await admin.close()
    await test.close()
  })
  afterEach(() => assert.deepEqual(tab.faults, [], 'no breach of the content security policy, no error of a script'))

  const at = async (path: string, heading: RegExp): Promise<void> => {
    await tab.page.goto(path)
    await tab.page.getByRole('heading', { level: 1, name: heading }).waitFor()
  }
  const publish = (agent: Awaited<ReturnType<TestGateway['agent']>>, text: string) => agent.post(`${TOPIC}:publish`, message(text), { headers: { 'x-goog-request-reason': 'the nightly import needs this message' } })

  it('a one-time code of the terminal makes a passkey, which signs in; the code is good for one', async () => {
    const [, invitation = ''] = await consoleInvitation(test.gateway, test.loaded, true)
    const code = /[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}/.exec(invitation)?.[0] ?? assert.fail(invitation)
    await at('/', /Sign in/)
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByLabel('One-time code').fill(code)
    await tab.page.getByRole('button', { name: 'Make a passkey' }).click()
    await tab.page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor()
    assert.deepEqual(await consoleInvitation(test.gateway, test.loaded, true), [`console: ${origin()}`], 'no further code is printed')
    await tab.page.getByRole('button', { name: 'Sign out' }).click()
    await tab.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await tab.page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor()
  })

  it('a waiting call appears by itself, its card shows it, and a passkey lets the held call run', async () => {
    const [agent, before] = [await test.agent('shown'), published(test)]
    await at('/', /Inbox/)
    await tab.page.getByText('Nothing waits for you.').waitFor()
    const waiting = publish(agent, 'hello')
    await tab.page.getByRole('link', { name: /orders/ }).click()
    await tab.page.getByRole('heading', { level: 1, name: /orders/ }).waitFor()
    await tab.page.getByText('the nightly import needs this message').waitFor()
    await tab.page.getByText('The agent\'s own words. Nobody checked them.').waitFor()
    await tab.page.getByText('This is the run\'s first call.').waitFor()
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByRole('button', { name: 'Approve this call once' }).click()
    await tab.page.getByText('You approved it. The call can run now, once.').waitFor()
    assert.equal((await waiting).status, 200)
    assert.equal(published(test), before + 1)
  })

  it('a denial with its reason reaches the agent, by the keyboard alone', async () => {
    const agent = await test.agent('typed')
    await at('/', /Inbox/)
    const waiting = publish(agent, 'no')
    const link = tab.page.getByRole('link', { name: /orders/ })
    await link.waitFor()
    const press = async (key: string, until: () => Promise<boolean>): Promise<void> => {
      for (let tries = 0; tries < 40 && !await until(); tries += 1) await tab.page.keyboard.press(key)
      assert.ok(await until(), 'the keyboard gets there')
    }
    const focused = (name: RegExp) => async (): Promise<boolean> => {
      const nodes = await tab.devtools.send('Runtime.evaluate', { expression: '(document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? "")', returnByValue: true })
      return name.test(String(nodes.result.value))
    }
    await press('Tab', focused(/orders/))
    await tab.page.keyboard.press('Enter')
    await tab.page.getByRole('button', { name: 'Deny' }).waitFor()
    await press('Tab', focused(/^Reason/))
    await tab.page.keyboard.type('not this topic')
    await press('Tab', focused(/^Deny$/))
    await tab.page.keyboard.press('Enter')
    await tab.page.getByText('You denied it.').waitFor()
    const answer = await waiting
    assert.equal(answer.reason, 'APPROVAL_DENIED')
    assert.match(answer.message, /not this topic/)
  })

  it('a critical call shows who gains access, and is approved only once its place is typed and a reason given', async () => {
    const agent = await test.agent('grave')
    await agent.get(`storage.googleapis.com/storage/v1/b?project=sandbox-project`)
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, oneMoreViewer(test, 'user:new@sandbox.example.com'))
    const { approval } = await test.facts.next('approval.requested', 'grave')
    await at(`/a/${approval}`, /sandbox-project/)
    const gained = tab.page.locator('.diff .added')
    await gained.waitFor()
    assert.match(await gained.innerText(), /gains[\s\S]*user:new@sandbox\.example\.com[\s\S]*roles\/run\.viewer/)
    await tab.page.getByText('Whole run: ').waitFor()
    await tab.page.getByText('Body as it is sent').click()
    await tab.page.getByLabel('Body').getByText('roles/run.viewer').waitFor()
    assert.deepEqual(await tab.axe(), [])
    const approve = tab.page.getByRole('button', { name: /^Approve/ })
    assert.ok(await approve.isDisabled())
    await tab.page.getByLabel(/^Reason/).fill('asked for in the ticket')
    assert.ok(await approve.isDisabled())
    await tab.page.getByLabel(/To approve, type/).fill('sandbox-project')
    await approve.click()
    await tab.page.getByText('You approved it.').waitFor()
    assert.equal((await waiting).status, 200)
  })

  it('a pattern lets the next call run without asking, and ends when it is revoked', async () => {
    const [agent, before] = [await test.agent('often'), published(test)]
    const waiting = publish(agent, 'first')
    const { approval } = await test.facts.next('approval.requested', 'often')
    await at(`/a/${approval}`, /orders/)
    await tab.page.getByLabel('Calls like it, for a while').check()
    await tab.page.getByLabel(/body\.messages\[0\]\.data/).check()
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByRole('button', { name: /^Approve up to 5 calls/ }).click()
    await tab.page.getByText(/The pattern is grant grt_/).waitFor()
    assert.equal((await waiting).status, 200)
    assert.equal((await publish(agent, 'second')).status, 200)
    assert.equal(published(test), before + 2)
    await at('/grants', /Grants/)
    await tab.page.getByText(/^1 of 5$|1 of 5/).first().waitFor()
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByRole('button', { name: 'Revoke' }).click()
    await tab.page.getByLabel('Reason').fill('enough')
    await tab.page.getByRole('button', { name: 'Revoke it now' }).click()
    await tab.page.getByText('You gave none that is in force.').waitFor()
  })

  it('invariant 11: a lock from the console stops an agent at once; everything is locked only once the word is typed', async () => {
    const agent = await test.agent('stopped')
    await at('/locks', /Locks/)
    await tab.page.getByLabel('Its id').fill('stopped')
    await tab.page.getByLabel('Reason').fill('it loops')
    await tab.page.getByRole('button', { name: 'Lock' }).click()
    await tab.page.getByText('Locked: Agent stopped.').waitFor()
    assert.equal((await agent.get(`storage.googleapis.com/storage/v1/b?project=sandbox-project`)).reason, 'AGENT_LOCKED')
    await tab.page.getByLabel('What').selectOption('everything')
    await tab.page.getByLabel('Reason').fill('drill')
    assert.ok(await tab.page.getByRole('button', { name: 'Lock' }).isDisabled())
    await tab.page.getByLabel(/Type everything/).fill('everything')
    await tab.page.getByRole('button', { name: 'Lock' }).click()
    await tab.page.getByRole('heading', { name: 'Everything' }).waitFor()
    assert.deepEqual(await tab.axe(), [])
    for (const word of ['everything', undefined]) {
      const block = tab.page.locator('li.block').filter({ has: tab.page.getByRole('heading', { name: word === undefined ? 'Agent stopped' : 'Everything' }) })
      await block.getByRole('button', { name: 'Lift' }).click()
      await block.getByLabel('Reason').fill('over')
      if (word !== undefined) await block.getByLabel(/Type/).fill(word)
      await block.getByRole('button', { name: 'Lift the lock' }).click()
      await block.waitFor({ state: 'detached' })
    }
    const locks = await test.gateway.approval.admin.listLocks()
    assert.deepEqual(locks, [])
  })

  it('a run is shown from its first call to its last, with masked bodies', async () => {
    await at('/runs', /Runs/)
    assert.deepEqual(await tab.axe(), [])
    await tab.page.getByRole('link', { name: 'run-grave' }).click()
    await tab.page.getByRole('heading', { level: 1, name: 'Run run-grave' }).waitFor()
    await tab.page.getByText('storage.buckets.list').waitFor()
    await tab.page.getByLabel('With masked bodies').check()
    await tab.page.getByText('Sent (masked)').first().click()
    await tab.page.getByText(/run\.viewer/).first().waitFor()
    assert.deepEqual(await tab.axe(), [])
  })

  for (const [path, heading] of [['/history', /History/], ['/reviews', /Reviews/], ['/load', /Load/], ['/keys', /Passkeys/], ['/sign-ins', /Sign-ins/]] as const) {
    it(`${path} opens, without a violation of axe-core's rules`, async () => {
      await at(path, heading)
      await tab.page.getByText('Loading…').waitFor({ state: 'detached' })
      assert.deepEqual(await tab.axe(), [])
    })
  }

  it('a stream that was cut comes back by itself', async () => {
    let cuts = 0
    await tab.page.route('**/api/inbox/stream', async (route) => {
      cuts += 1
      if (cuts === 1) await route.fulfill({ status: 200, contentType: 'text/event-stream', body: 'retry: 50\n\n' })
      else await route.continue()
    })
    await at('/', /Inbox/)
    await tab.page.getByText('Live', { exact: true }).waitFor()
    assert.ok(cuts >= 2)
    await tab.page.unrouteAll()
  })

  it('pages fit 360 px, in the dark too, and hold axe-core\'s rules there', async () => {
    const agent = await test.agent('narrow')
    const waiting = publish(agent, 'narrow')
    const { approval } = await test.facts.next('approval.requested', 'narrow')
    await tab.page.emulateMedia({ colorScheme: 'dark' })
    await tab.page.setViewportSize({ width: 360, height: 740 })
    for (const [path, heading] of [['/', /Inbox/], [`/a/${approval}`, /orders/], ['/history', /History/], ['/grants', /Grants/], ['/runs', /Runs/], ['/runs/run-grave', /Run/], ['/locks', /Locks/], ['/load', /Load/], ['/reviews', /Reviews/], ['/keys', /Passkeys/], ['/sign-ins', /Sign-ins/]] as const) {
      await at(path, heading)
      await tab.page.getByText('Loading…').waitFor({ state: 'detached' })
      assert.ok(await tab.overflow() <= 0, `${path} is wider than the phone`)
      assert.deepEqual(await tab.axe(), [], path)
    }
    await tab.page.emulateMedia({ colorScheme: 'light' })
    await tab.page.setViewportSize({ width: 1100, height: 800 })
    if (PICTURES !== undefined) await takePictures(PICTURES, approval)
    await at(`/a/${approval}`, /orders/)
    await tab.page.getByRole('button', { name: 'Deny' }).click()
    assert.equal((await waiting).reason, 'APPROVAL_DENIED')
  })

  it('what does not come from the console\'s own page is refused, session or not', async () => {
    const cookies = (await tab.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const me = await (await fetch(`${origin()}/api/me`, { headers: { cookie: cookies } })).json() as { readonly csrf: string }
    const post = async (headers: Readonly<Record<string, string>>): Promise<number> => (await fetch(`${origin()}/api/locks`, { method: 'POST', headers: { 'content-type': 'application/json', cookie: cookies, ...headers }, body: '{"scope":{"kind":"run","run":"x"},"reason":"forged"}' })).status
    const good = { origin: origin(), 'sec-fetch-site': 'same-origin', 'x-lockkeeper-csrf': me.csrf }
    const { 'x-lockkeeper-csrf': _token, ...bare } = good
    const { origin: _origin, ...nowhere } = good
    for (const headers of [bare, nowhere, { ...good, 'x-lockkeeper-csrf': 'x' }, { ...good, origin: 'http://localhost:1' }, { ...good, origin: 'null' }, { ...good, 'sec-fetch-site': 'cross-site' }, { ...good, 'sec-fetch-site': 'same-site' }]) assert.equal(await post(headers), 403, JSON.stringify(headers))
    assert.equal(await post({ ...good, cookie: '' }), 401)
    assert.deepEqual(await test.gateway.approval.admin.listLocks(), [])
    const session = (await tab.context.cookies()).find(({ name }) => name === 'lockkeeper-session')
    assert.deepEqual([session?.httpOnly, session?.sameSite], [true, 'Strict'])
  })

  /** For docs/images, by hand: `LOCKKEEPER_PICTURES=docs/images mocha …`. */
  async function takePictures(folder: string, approval: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    const agent = await test.agent('build-7')
    const held = agent.post(`${PROJECT_POLICY}:setIamPolicy`, oneMoreViewer(test, 'user:lin@sandbox.example.com'), { headers: { 'x-goog-request-reason': 'Lin needs to see the new service\'s logs' } })
    const { approval: critical } = await test.facts.next('approval.requested', 'build-7')
    for (const [name, path, heading] of [['inbox', '/', /Inbox/], ['card', `/a/${critical}`, /sandbox-project/], ['run', '/runs/run-grave', /Run/], ['locks', '/locks', /Locks/], ['history', '/history', /History/], ['grants', '/grants', /Grants/], ['reviews', '/reviews', /Reviews/], ['runs', '/runs', /Runs/], ['load', '/load', /Load/], ['keys', '/keys', /Passkeys/], ['sign-ins', '/sign-ins', /Sign-ins/]] as const) {
      for (const [device, width, height] of [['phone', 360, 740], ['desktop', 1000, 760]] as const) {
        for (const scheme of ['light', 'dark'] as const) {
          await tab.page.emulateMedia({ colorScheme: scheme })
          await tab.page.setViewportSize({ width, height })
          await at(path, heading)
          await tab.page.getByText('Loading…').waitFor({ state: 'detached' })
          if (name === 'inbox') await tab.page.getByText('Live', { exact: true }).waitFor()
          if (name === 'card') await tab.page.getByText(/Needed/).waitFor()
          await tab.page.screenshot({ path: join(folder, `console-${name}-${device}-${scheme}.png`) })
          if (name !== 'card' || device !== 'phone') continue
          await tab.page.getByRole('button', { name: 'Deny' }).scrollIntoViewIfNeeded()
          await tab.page.screenshot({ path: join(folder, `console-decide-${device}-${scheme}.png`) })
        }
      }
    }
    await tab.page.emulateMedia({ colorScheme: 'light' })
    await tab.page.setViewportSize({ width: 1100, height: 800 })
    assert.notEqual(approval, critical)
    await test.gateway.approval.admin.revoke({ id: critical, by: 'ada', reason: 'pictures are taken' })
    await held
  }
})
