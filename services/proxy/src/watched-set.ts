/**
 * A collection that one service writes and this proxy watches, with an age that can be trusted.
 * The writer's heartbeat document proves that the watch is live: silence alone proves nothing.
 */
import type { Clock } from '@lockkeeper/domain'
import { HEARTBEAT_ID, type Heartbeat } from '@lockkeeper/domain/collections'
import type { Collection, DocumentStore, WatchChange } from '@lockkeeper/domain/ports'

const REFRESH_WITHIN_MS = 1000
const REFRESH_LIMIT = 1000

export interface WatchedSet<T extends object> {
  readonly ready: Promise<void>
  /** Ms since the writer was last known alive and the set complete; Infinity before. */
  age(): number
  /** One strong read of the whole set; false when it fails, takes over 1 s, or the writer itself is silent. */
  refresh(): Promise<boolean>
  values(): Iterable<T>
  close(): void
}

interface Options<T extends { readonly kind: string }> {
  readonly documents: Pick<DocumentStore, 'watch' | 'query'>
  readonly collection: Collection<T | Heartbeat>
  readonly clock: Clock
  /** Called for every change but beats; `undefined` value: it left the set. */
  readonly onChange: (id: string, value: T | undefined) => void
}

export function watchSet<T extends { readonly kind: string }>({ documents, collection, clock, onChange }: Options<T>): WatchedSet<T> {
  const values = new Map<string, T>()
  let beat: number | undefined
  let seenAt = -Infinity
  let refreshing: Promise<boolean> | undefined
  /** For each read on its way: what the watch has changed meanwhile, which the read may not have seen yet. */
  const reads = new Set<Set<string>>()

  const sawBeat = (heartbeat: Heartbeat): void => {
    if (heartbeat.beat === beat) return
    beat = heartbeat.beat
    seenAt = clock.monotonic()
  }
  const apply = ({ id, doc }: WatchChange<T | Heartbeat>): void => {
    if (id === HEARTBEAT_ID) {
      if (doc !== undefined) sawBeat(doc.data as Heartbeat)
      return
    }
    if (doc === undefined) values.delete(id)
    else values.set(id, doc.data as T)
    onChange(id, doc?.data as T | undefined)
  }
  const watch = documents.watch(collection, { name: 'live', equal: { live: true } }, (changes) => {
    for (const change of changes) {
      for (const newer of reads) newer.add(change.id)
      apply(change)
    }
  })

  const readAll = async (): Promise<boolean> => {
    const before = beat
    const newer = new Set<string>()
    reads.add(newer)
    try {
      const page = await documents.query(collection, { name: 'live', equal: { live: true }, limit: REFRESH_LIMIT })
      if (page.cursor !== undefined) return false
      const present = new Set(page.docs.map(({ id }) => id))
      for (const doc of page.docs) if (!newer.has(doc.id)) apply({ id: doc.id, doc })
      // A lock that was set while the read was on its way is not in it, and must not be taken for lifted.
      for (const id of [...values.keys()]) if (!present.has(id) && !newer.has(id)) apply({ id })
      return beat !== before
    } finally {
      reads.delete(newer)
    }
  }
  const refresh = (): Promise<boolean> => {
    refreshing ??= within(REFRESH_WITHIN_MS, readAll().catch(() => false)).finally(() => { refreshing = undefined })
    return refreshing
  }
  return { ready: watch.ready, age: () => clock.monotonic() - seenAt, refresh, values: () => values.values(), close: () => watch.close() }
}

function within(ms: number, work: Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, ms, false)
  void work.then(resolve).finally(() => clearTimeout(timer))
  return promise
}
