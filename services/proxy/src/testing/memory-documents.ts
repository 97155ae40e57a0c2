/** For tests: the watched collections in memory, with heartbeats that can be stopped and reads that can be held up. */
import { HEARTBEAT_ID } from '@lockkeeper/domain/collections'
import type { Collection, Doc, DocumentStore, Page, Ref, WatchChange } from '@lockkeeper/domain/ports'

type Listener = (changes: readonly WatchChange<never>[]) => void

export interface MemoryDocuments extends Pick<DocumentStore, 'watch' | 'query' | 'read'> {
  put(collection: string, id: string, data: object | undefined): void
  get<T>(collection: string, id: string): T | undefined
  /** False: the writer has fallen silent. */
  beating: boolean
  /** Collections whose writers alone have fallen silent. */
  readonly silent: Set<string>
  /** Awaited by every query before it answers with what it has read already. */
  beforeAnswer: () => Promise<void>
  stop(): void
}

const BEAT_MS = 200

export function createMemoryDocuments(): MemoryDocuments {
  const collections = new Map<string, Map<string, Doc>>()
  const listeners = new Map<string, Listener[]>()
  let version = 0
  let beat = 0
  const of = (name: string): Map<string, Doc> => {
    const known = collections.get(name) ?? new Map<string, Doc>()
    collections.set(name, known)
    return known
  }
  const put = (name: string, id: string, data: object | undefined): void => {
    const doc: Doc | undefined = data === undefined ? undefined : { id, version: String(++version), data }
    if (doc === undefined) of(name).delete(id)
    else of(name).set(id, doc)
    const change = { id, ...(doc === undefined ? {} : { doc }) } as WatchChange<never>
    for (const listener of listeners.get(name) ?? []) listener([change])
  }
  const timer = setInterval(() => {
    if (!documents.beating) return
    beat++
    for (const name of listeners.keys()) if (!documents.silent.has(name)) put(name, HEARTBEAT_ID, { kind: 'heartbeat', id: HEARTBEAT_ID, live: true, at: beat, beat })
  }, BEAT_MS)
  const documents: MemoryDocuments = {
    put, beating: true, silent: new Set(),
    beforeAnswer: () => Promise.resolve(),
    get: <T>(name: string, id: string) => of(name).get(id)?.data as T | undefined,
    watch<T extends object>({ name }: Collection<T>, _query: unknown, listener: (changes: readonly WatchChange<T>[]) => void) {
      const own = listener as unknown as Listener
      listeners.set(name, [...listeners.get(name) ?? [], own])
      const there = [...of(name).values()].map((doc) => ({ id: doc.id, doc }))
      if (there.length > 0) own(there as unknown as readonly WatchChange<never>[])
      put(name, HEARTBEAT_ID, { kind: 'heartbeat', id: HEARTBEAT_ID, live: true, at: ++beat, beat })
      return { ready: Promise.resolve(), age: () => 0, close: () => void listeners.set(name, (listeners.get(name) ?? []).filter((one) => one !== own)) }
    },
    async query<T extends object>({ name }: Collection<T>): Promise<Page<T>> {
      const docs = [...of(name).values()] as unknown as Doc<T>[]
      await documents.beforeAnswer()
      return { docs }
    },
    async read<T extends object>(refs: readonly Ref<T>[]) {
      const docs = refs.map(({ collection, id }) => of(collection.name).get(id) as Doc<T> | undefined)
      await documents.beforeAnswer()
      return docs
    },
    stop: () => clearInterval(timer),
  }
  return documents
}
