/** Sessions as this instance has read them in the last moments, so that a page's many requests are one read. */
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Clock } from '@lockkeeper/domain'
import { sessionDocuments, type SessionDocument } from './collections.ts'

export interface SeenSessions {
  /** Undefined where there is none. Never older than `seenMs`, and never from before the newest `put`. */
  read(keys: readonly string[]): Promise<ReadonlyMap<string, SessionDocument | undefined>>
  /** What this instance has written itself; undefined: removed. */
  put(key: string, found: SessionDocument | undefined): void
}

/** Keys that are remembered; unknown ones are not, so nobody fills this from outside. */
const MOST = 1_000

export function createSeenSessions(documents: DocumentStore, clock: Clock, seenMs: number): SeenSessions {
  const seen = new Map<string, { readonly found: SessionDocument, readonly at: number }>()
  /** Grows with each change of our own: an answer that was asked for before it is not kept. */
  let changes = 0

  const fresh = (key: string): SessionDocument | undefined => {
    const known = seen.get(key)
    if (known === undefined || clock.monotonic() - known.at < seenMs) return known?.found
    seen.delete(key)
    return undefined
  }
  function keep(key: string, found: SessionDocument, at: number): void {
    seen.delete(key)
    for (const oldest of seen.keys()) {
      if (seen.size < MOST) break
      seen.delete(oldest)
    }
    seen.set(key, { found, at })
  }

  return {
    async read(keys) {
      const found = new Map(keys.map((key) => [key, fresh(key)]))
      const asked = [...found].filter(([, known]) => known === undefined).map(([key]) => key)
      if (asked.length === 0) return found
      const [at, before] = [clock.monotonic(), changes]
      const docs = await documents.read(asked.map((id) => ({ collection: sessionDocuments, id })))
      for (const [index, key] of asked.entries()) {
        const data = docs[index]?.data
        found.set(key, data)
        if (data !== undefined && before === changes) keep(key, data, at)
      }
      return found
    },
    put(key, found) {
      changes += 1
      if (found === undefined) seen.delete(key)
      else keep(key, found, clock.monotonic())
    },
  }
}
