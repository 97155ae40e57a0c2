/** DocumentStore over the worker: decide here, commit there if nothing that was read has changed. */
import type { Clock } from '@lockkeeper/domain'
import { checkLimit, ContendedDocuments, decodeCursor, encodeCursor, keyText, shapeOf, type DeclaredDocuments, type DocKey } from '@lockkeeper/domain/documents'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Collection, Commit, Doc, DocumentStore, Page, Query, Ref, Watch, WatchChange } from '@lockkeeper/domain/ports'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { querySql } from './declared-queries.ts'
import type { Outbox, PlannedFact } from './outbox.ts'
import type { CommitReply, WriteRow } from './protocol.ts'
import type { StoreClient } from './store-client.ts'
import type { Change, Watches } from './watches.ts'

const MAX_ATTEMPTS = 10

export interface DocumentParts {
  readonly client: StoreClient
  readonly clock: Clock
  /** The queue's time, for facts. */
  readonly queueClock: Clock
  readonly declared: DeclaredDocuments
  readonly watches: Watches
  readonly outbox: Outbox
}

export class SqliteDocuments implements DocumentStore {
  readonly #parts: DocumentParts
  readonly #contended = new ContendedDocuments()

  constructor(parts: DocumentParts) {
    this.#parts = parts
  }

  async read<T extends object>(refs: readonly Ref<T>[]): Promise<readonly (Doc<T> | undefined)[]> {
    const keys = this.#parts.declared.keys(refs)
    if (keys.length === 0) return []
    const rows = await this.#parts.client.request<'read'>({ kind: 'read', keys })
    return rows.map((row, index) => row === null ? undefined : { id: refs[index]!.id, version: String(row[0]), data: JSON.parse(row[1]) as T })
  }

  async transact<R>(refs: readonly Ref[], decide: (docs: readonly (Doc | undefined)[], now: number) => Commit<R> | Refusal): Promise<R | Refusal> {
    const keys = this.#parts.declared.transactionKeys(refs)
    const hot = this.#contended.contended(keys.map(keyText))
    let leave = hot.length === 0 ? undefined : await this.#contended.enter(hot)
    try {
      const held = new Set(hot)
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const docs = await this.read(refs)
        const decided = decide(docs, this.#parts.clock.now())
        if (isRefusal(decided)) return decided
        const reply = await this.#commit(keys, docs, decided)
        if (reply.ok) return decided.result
        for (const key of reply.conflicts.map(keyText)) held.add(key)
        leave?.()
        leave = await this.#contended.enter([...held])
      }
      throw new PortUnavailable(`documents changed under ${MAX_ATTEMPTS} attempts: ${[...held].join(', ')}`)
    } finally {
      leave?.()
    }
  }

  async query<T extends object>(collection: Collection<T>, query: Query): Promise<Page<T>> {
    const declared = this.#parts.declared.collection(collection)
    checkLimit(query.limit)
    const shape = shapeOf(declared, query)
    const after = query.cursor === undefined ? undefined : decodeCursor(shape, query.cursor)
    const rows = await this.#parts.client.request<'rows'>({ kind: 'rows', ...querySql(declared, { ...query, limit: query.limit + 1 }, after) })
    const docs = rows.slice(0, query.limit).map(([id, version, json]) => ({ id, version: String(version), data: JSON.parse(json) as T }))
    const last = docs.at(-1)
    return rows.length <= query.limit || last === undefined ? { docs } : { docs, cursor: encodeCursor(shape, last.id, last.data as Record<string, unknown>) }
  }

  watch<T extends object>(collection: Collection<T>, query: Omit<Query, 'limit' | 'cursor'>, listener: (changes: readonly WatchChange<T>[]) => void): Watch {
    return this.#parts.watches.watch(this.#parts.declared.collection(collection), query, changes => listener(changes as readonly WatchChange<T>[]))
  }

  /** Deletes at most `limit` documents whose time is over; answers with how many. */
  async sweep(limit: number): Promise<number> {
    const { client, clock, watches } = this.#parts
    return new Promise((resolve, reject) => {
      client.send<'sweep'>({ kind: 'sweep', now: clock.now(), limit }, { internal: true }, removed => {
        watches.committed(removed.map(([collection, id]) => ({ collection, id, version: 0 })))
        resolve(removed.length)
      }, reject)
    })
  }

  #commit<R>(keys: readonly DocKey[], docs: readonly (Doc | undefined)[], commit: Commit<R>): Promise<CommitReply> {
    const { client, queueClock, watches, outbox, declared } = this.#parts
    const writes = declared.writes(keys, commit.writes).map((write): WriteRow => [write.kind, ...write.key, write.kind === 'delete' ? '' : write.json])
    const checked = commit.facts.map(fact => outbox.check(fact))
    if (writes.length === 0 && checked.length === 0) return Promise.resolve({ ok: true, firstVersion: 0, leased: [] })
    const facts: PlannedFact[] = checked.map(({ topic, json }) => outbox.plan(topic, json))
    const reads = keys.map(([collection, id], index) => [collection, id, docs[index] === undefined ? null : Number(docs[index].version)] as const)
    const size = writes.reduce((sum, write) => sum + write[3].length, 0) + facts.reduce((sum, fact) => sum + fact.row.json.length, 0)
    return new Promise((resolve, reject) => {
      client.send<'commit'>({ kind: 'commit', reads, writes, facts: facts.map(fact => fact.row), now: queueClock.now() }, { size }, reply => {
        if (reply.ok) {
          watches.committed(changesOf(writes, reply.firstVersion))
          outbox.committed(facts, reply.leased)
        } else outbox.abandon(facts)
        resolve(reply)
      }, error => {
        outbox.abandon(facts)
        reject(error)
      })
    })
  }
}

function changesOf(writes: readonly WriteRow[], firstVersion: number): Change[] {
  return writes.map(([kind, collection, id, json], index) => ({ collection, id, version: firstVersion + index, ...(kind === 'delete' ? {} : { json }) }))
}
