/** Every request that reached the upstream: what a test or the tour proves "dialled once" and "no agent token" with. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface LoggedRequest {
  /** 1 for the first request since the start. */
  readonly seq: number
  /** Epoch ms at which the head arrived. */
  readonly at: number
  readonly method: string
  /** The Google host that was meant; the sandbox's own address when none was named. */
  readonly host: string
  /** Path and query as received. */
  readonly path: string
  /** Lower-case names. `authorization` is `sha256:` + hex of the whole value, never the value. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether it carried the upstream's own credential. */
  readonly authorized: boolean
  readonly bodyBytes: number
  /** SHA-256 in hex; undefined until the body has ended. */
  readonly bodyHash?: string
  /** Status of the answer; undefined while there is none, 0 when the connection was cut. */
  readonly status?: number
}

export interface RequestFilter {
  readonly method?: string
  readonly host?: string
  readonly path?: RegExp | string
  readonly authorized?: boolean
}

export interface RequestLog {
  /** Oldest first; at most `capacity` are kept. */
  list(filter?: RequestFilter): readonly LoggedRequest[]
  count(filter?: RequestFilter): number
  /** All that ever came, including those no longer kept. */
  readonly total: number
  /** Resolves with the first request, past or coming, that matches; rejects after `timeoutMs` (default 5,000). */
  waitFor(filter: RequestFilter, timeoutMs?: number): Promise<LoggedRequest>
  clear(): void
}

/** The log's own side. `update` completes an entry in place. */
export interface WritableRequestLog extends RequestLog {
  append(entry: Omit<LoggedRequest, 'seq'>): number
  update(seq: number, change: Partial<LoggedRequest>): void
}

const CAPACITY = 20_000

export function createRequestLog(capacity: number = CAPACITY): WritableRequestLog {
  let entries: LoggedRequest[] = []
  let seq = 0
  const waiting = new Set<{ readonly filter: RequestFilter, readonly found: (entry: LoggedRequest) => void }>()
  const list = (filter: RequestFilter = {}): readonly LoggedRequest[] => entries.filter((entry) => requestMatches(filter, entry))
  return {
    list,
    count: (filter) => list(filter).length,
    get total() { return seq },
    waitFor: (filter, timeoutMs = 5_000) => {
      const there = list(filter)[0]
      if (there !== undefined) return Promise.resolve(there)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(waiter)
          reject(new Error(`No request that matches ${describeFilter(filter)} reached the upstream within ${timeoutMs} ms`))
        }, timeoutMs)
        const waiter = { filter, found: (entry: LoggedRequest) => { clearTimeout(timer); resolve(entry) } }
        waiting.add(waiter)
      })
    },
    clear: () => { entries = [] },
    append(entry) {
      seq += 1
      const logged = { seq, ...entry }
      entries.push(logged)
      if (entries.length > capacity) entries = entries.slice(-Math.ceil(capacity / 2))
      for (const waiter of waiting) {
        if (!requestMatches(waiter.filter, logged)) continue
        waiting.delete(waiter)
        waiter.found(logged)
      }
      return seq
    },
    update(wanted, change) {
      const index = entries.findLastIndex((entry) => entry.seq === wanted)
      if (index >= 0) entries[index] = { ...entries[index]!, ...change }
    },
  }
}

export function requestMatches(filter: RequestFilter, entry: Pick<LoggedRequest, 'method' | 'host' | 'path' | 'authorized'>): boolean {
  if (filter.method !== undefined && filter.method !== entry.method) return false
  if (filter.host !== undefined && filter.host !== entry.host) return false
  if (filter.authorized !== undefined && filter.authorized !== entry.authorized) return false
  if (filter.path === undefined) return true
  return typeof filter.path === 'string' ? entry.path.split('?')[0] === filter.path : filter.path.test(entry.path)
}

/** Headers as the log keeps them: credentials by their hash alone. */
export function loggedHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : value ?? ''
    kept[name] = name === 'authorization' || name === 'proxy-authorization' ? hashOf(text) : text
  }
  return kept
}

/** The form in which the log keeps an Authorization header. */
export function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function describeFilter(filter: RequestFilter): string {
  return [filter.method, filter.host, filter.path?.toString()].filter((part) => part !== undefined).join(' ') || 'anything'
}
