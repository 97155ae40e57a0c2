/** Tests only: a real Chromium with an authenticator in software, that notes every breach of the page's policy. */
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/** `CHROMIUM`, or where systems put one; undefined where there is none. */
export function findChromium(): string | undefined {
  return [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return path !== ''
    } catch {
      // Not there: the next one.
      return false
    }
  })
}

export async function openBrowser(path: string): Promise<Browser> {
  // Containers of tests run as root, where Chromium's own sandbox cannot.
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  readonly devtools: CDPSession
  /** Breaches of the content security policy, and errors of scripts. */
  readonly faults: string[]
  /** Violations of axe-core's rules on the page as it is, one line each. */
  axe(): Promise<readonly string[]>
  /** Pixels by which the page is wider than its window. */
  overflow(): Promise<number>
  close(): Promise<void>
}

export interface TabOptions { readonly width?: number, readonly height?: number, readonly dark?: boolean }

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export async function openTab(browser: Browser, origin: string, { width = 1100, height = 800, dark = false }: TabOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', baseURL: origin, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'UTC' })
  const page = await context.newPage()
  page.setDefaultTimeout(8_000)
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => { if (/content security policy|trusted ?type/i.test(message.text())) faults.push(message.text()) })
  // Straight to the engine: the page's own policy forbids what drivers evaluate by.
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value as T
  }
  return {
    page, context, devtools, faults,
    async axe() {
      await evaluate(`${AXE};0`)
      return evaluate<readonly string[]>('axe.run(document).then(({ violations, passes }) => passes.length < 5 ? [`only ${passes.length} rules were looked at`] : violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html.slice(0, 160) + " " + failureSummary.replaceAll("\\n", " ")).join(" | ")}`))')
    },
    overflow: () => evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    close: () => context.close(),
  }
}
