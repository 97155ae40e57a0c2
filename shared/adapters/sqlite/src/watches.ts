/**
 * Watches of this process: first the whole set, then each commit's changes. Answers of the worker arrive in commit order
 * on one channel, so whatever was committed before the set was read has been passed on before the set arrives.
 */
import { shapeOf } from '@lockkeeper/domain/documents'
import type { Collection, Doc, Query, Watch, WatchChange } from '@lockkeeper/domain/ports'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { matches, querySql } from './declared-queries.ts'
import type { StoreClient } from './store-client.ts'

/** A watched set is held in memory by whoever watches. */
const MAX_WATCHED = 100_000

/** One document after a commit; json undefined: it is gone. */
export interface Change { readonly collection: string, readonly id: string, readonly version: number, readonly json?: string }

type Listener = (changes: readonly WatchChange<object>[]) => void
type WatchQuery = Omit<Query, 'limit' | 'cursor'>

export class Watches {
  readonly #client: StoreClient
  readonly #open = new Map<string, Set<LiveWatch>>()

  constructor(client: StoreClient) {
    this.#client = client
  }

  watch(collection: Collection, query: WatchQuery, listener: Listener): Watch {
    const watch = new LiveWatch(collection, query, listener, this.#client, () => this.#open.get(collection.name)?.delete(watch))
    const others = this.#open.get(collection.name) ?? new Set()
    this.#open.set(collection.name, others.add(watch))
    return watch
  }

  /** The changes of one commit. */
  committed(changes: readonly Change[]): void {
    for (const collection of new Set(changes.map(change => change.collection))) {
      const watches = this.#open.get(collection)
      if (watches === undefined || watches.size === 0) continue
      const docs = changes.filter(change => change.collection === collection).map(change => ({ id: change.id, doc: toDoc(change) }))
      for (const watch of watches) watch.committed(docs)
    }
  }
}

class LiveWatch implements Watch {
  readonly ready: Promise<void>
  readonly #client: StoreClient
  readonly #listener: Listener
  readonly #belongs: (doc: Doc) => boolean
  readonly #onClose: () => void
  /** Undefined until the first set is there. */
  #ids: Set<string> | undefined
  #closed = false

  constructor(collection: Collection, query: WatchQuery, listener: Listener, client: StoreClient, onClose: () => void) {
    const shape = shapeOf(collection, query)
    this.#belongs = doc => matches(shape, query, doc.data as Record<string, unknown>)
    this.#listener = listener
    this.#client = client
    this.#onClose = onClose
    this.ready = new Promise((resolve, reject) => {
      client.send<'rows'>({ kind: 'rows', ...querySql(collection, { ...query, limit: MAX_WATCHED + 1 }) }, {}, rows => {
        if (this.#closed) return reject(new PortUnavailable('the watch was closed before its first set came'))
        if (rows.length > MAX_WATCHED) return reject(new PortUnavailable(`more than ${MAX_WATCHED} documents of ${collection.name} would be watched`))
        this.#ids = new Set(rows.map(([id]) => id))
        this.#deliver(rows.map(([id, version, json]) => ({ id, doc: { id, version: String(version), data: JSON.parse(json) as object } })))
        resolve()
      }, reject)
    })
    // Whoever does not wait for `ready` sees an age of Infinity; that must not end the process.
    this.ready.catch(() => undefined)
  }

  age(): number {
    return this.#ids === undefined || this.#closed ? Infinity : this.#client.silence()
  }

  close(): void {
    this.#closed = true
    this.#onClose()
  }

  committed(docs: readonly { readonly id: string, readonly doc: Doc | undefined }[]): void {
    const ids = this.#ids
    if (ids === undefined || this.#closed) return
    const changes: WatchChange<object>[] = []
    for (const { id, doc } of docs) {
      if (doc !== undefined && this.#belongs(doc)) {
        ids.add(id)
        changes.push({ id, doc })
      } else if (ids.delete(id)) changes.push({ id })
    }
    if (changes.length > 0) this.#deliver(changes)
  }

  #deliver(changes: readonly WatchChange<object>[]): void {
    try {
      this.#listener(changes)
    } catch (error) {
      // Ends the process, but not in the middle of settling a commit.
      queueMicrotask(() => { throw error })
    }
  }
}

function toDoc({ id, version, json }: Change): Doc | undefined {
  return json === undefined ? undefined : { id, version: String(version), data: JSON.parse(json) as object }
}
