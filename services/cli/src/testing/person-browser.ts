/** Tests only: what a person's browser does over HTTP: cookies for each origin, redirects, the form of the sandbox's identity provider. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export interface PersonBrowser {
  /** Goes where it is sent, saying who the person is where that is asked; resolves with the last page. */
  visit(url: string): Promise<Page>
  /** A request of the console's own page. */
  api<T>(path: string, body?: object): Promise<T>
}

export interface Page { readonly url: URL, readonly status: number, readonly text: string }

export interface PersonBrowserOptions {
  readonly id: string
  /** The console's origin. */
  readonly home: string
  /** Origin → where it really listens. */
  readonly places: ReadonlyMap<string, string>
}

/** What a card is decided by. */
export interface ApprovalDetail {
  readonly approval: { readonly digest: string, readonly resources: readonly string[] }
  readonly card?: { readonly risk: string }
  readonly votes: readonly { readonly person: string, readonly verdict: string }[]
}

interface Sent { readonly method?: string, readonly headers?: Readonly<Record<string, string>>, readonly body?: string }

/** Redirects of one visit. */
const MOST_HOPS = 12

export function createPersonBrowser({ id, home, places }: PersonBrowserOptions): PersonBrowser {
  const jars = new Map<string, Map<string, string>>()

  async function send(url: URL, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Page & { readonly location: string | undefined }> {
    const jar = jars.get(url.origin) ?? new Map<string, string>()
    jars.set(url.origin, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = request(new URL(url.pathname + url.search, places.get(url.origin)), { method, agent: false, headers: { ...headers, host: url.host, cookie } }).end(body)
    const [answer] = await once(sent, 'response') as [IncomingMessage]
    for (const given of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(given) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return { url, status: answer.statusCode ?? 0, text: await text(answer), location: answer.headers.location }
  }

  async function visit(start: string): Promise<Page> {
    let page = await send(new URL(start, home))
    for (let hops = 0; hops < MOST_HOPS; hops += 1) {
      const form = page.location === undefined && page.text.includes('Who are you?')
      if (page.location === undefined && !form) return page
      page = form
        ? await send(page.url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ person: id }).toString() })
        : await send(new URL(page.location ?? '', page.url))
    }
    throw new Error(`${start} leads nowhere: ${page.url.href}`)
  }

  async function api<T>(path: string, body?: object): Promise<T> {
    const csrf = body === undefined ? '' : (await api<{ readonly csrf: string }>('/api/me')).csrf
    const own = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers: { origin: home, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', 'x-lockkeeper-csrf': csrf } }
    const { status, text: said } = await send(new URL(path, home), own)
    if (status >= 400) throw new Error(`${path} answered ${status}: ${said}`)
    return JSON.parse(said) as T
  }
  return { visit, api }
}
