/** DocumentStore over the worker: decide here, commit there if nothing that was read has changed. */
import type { Clock } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Collection, Commit, Doc, DocumentStore, Page, Query, Ref, Watch, WatchChange, Write } from '@lockkeeper/domain/ports'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { ContendedDocuments } from './contention.ts'
import { decodeCursor, encodeCursor, querySql, shapeOf } from './declared-queries.ts'
import { checkPlain } from './plain-data.ts'
import type { Outbox, PlannedFact } from './outbox.ts'
import type { CommitReply, DocKey, WriteRow } from './protocol.ts'
import type { StoreClient } from './store-client.ts'
import type { Change, Watches } from './watches.ts'

const MAX_ATTEMPTS = 10
const MAX_DOCUMENT_BYTES = 900 * 1024
const MAX_ID_BYTES = 1024
/** Documents of one read, and writes of one commit. */
const MAX_DOCUMENTS = 500
const MAX_LIMIT = 1000

export interface DocumentParts {
  readonly client: StoreClient
  readonly clock: Clock
  /** The queue's time, for facts. */
  readonly queueClock: Clock
  readonly declared: ReadonlyMap<string, Collection>
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
    const keys = this.#keys(refs)
    if (keys.length === 0) return []
    const rows = await this.#parts.client.request<'read'>({ kind: 'read', keys })
    return rows.map((row, index) => row === null ? undefined : { id: refs[index]!.id, version: String(row[0]), data: JSON.parse(row[1]) as T })
  }

  async transact<R>(refs: readonly Ref[], decide: (docs: readonly (Doc | undefined)[], now: number) => Commit<R> | Refusal): Promise<R | Refusal> {
    const keys = this.#keys(refs)
    if (new Set(keys.map(keyText)).size < keys.length) throw new TypeError('a transaction names one document twice')
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
    const declared = this.#declared(collection)
    if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > MAX_LIMIT) throw new TypeError(`a query's limit is 1 to ${MAX_LIMIT}, not ${query.limit}`)
    const shape = shapeOf(declared, query)
    const after = query.cursor === undefined ? undefined : decodeCursor(shape, query.cursor)
    const rows = await this.#parts.client.request<'rows'>({ kind: 'rows', ...querySql(declared, { ...query, limit: query.limit + 1 }, after) })
    const docs = rows.slice(0, query.limit).map(([id, version, json]) => ({ id, version: String(version), data: JSON.parse(json) as T }))
    const last = docs.at(-1)
    return rows.length <= query.limit || last === undefined ? { docs } : { docs, cursor: encodeCursor(shape, last.id, last.data as Record<string, unknown>) }
  }

  watch<T extends object>(collection: Collection<T>, query: Omit<Query, 'limit' | 'cursor'>, listener: (changes: readonly WatchChange<T>[]) => void): Watch {
    return this.#parts.watches.watch(this.#declared(collection), query, changes => listener(changes as readonly WatchChange<T>[]))
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
    const { client, queueClock, watches, outbox } = this.#parts
    const writes = this.#writes(keys, commit.writes)
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

  #writes(keys: readonly DocKey[], writes: readonly Write[]): WriteRow[] {
    if (writes.length > MAX_DOCUMENTS) throw new TypeError(`a commit writes at most ${MAX_DOCUMENTS} documents, not ${writes.length}`)
    const read = new Set(keys.map(keyText))
    const written = new Set<string>()
    return writes.map(write => {
      const [collection, id] = this.#key(write.ref)
      const key = keyText([collection, id])
      if (written.has(key)) throw new TypeError(`a commit writes ${key} twice`)
      if (write.kind !== 'create' && !read.has(key)) throw new TypeError(`a commit writes ${key}, which it has not read`)
      written.add(key)
      return [write.kind, collection, id, write.kind === 'delete' ? '' : toJson(key, write.data)] as const
    })
  }

  #keys(refs: readonly Ref[]): DocKey[] {
    if (refs.length > MAX_DOCUMENTS) throw new TypeError(`at most ${MAX_DOCUMENTS} documents are read at once, not ${refs.length}`)
    return refs.map(ref => this.#key(ref))
  }

  #key(ref: Ref): DocKey {
    this.#declared(ref.collection)
    if (typeof ref.id !== 'string' || ref.id === '' || Buffer.byteLength(ref.id) > MAX_ID_BYTES || !ref.id.isWellFormed()) {
      throw new TypeError(`a document id of ${ref.collection.name} is well-formed text of 1 to ${MAX_ID_BYTES} bytes`)
    }
    return [ref.collection.name, ref.id]
  }

  #declared(collection: Collection): Collection {
    const declared = this.#parts.declared.get(collection.name)
    if (declared === undefined) throw new TypeError(`collection ${collection.name} is not declared to this store`)
    return declared
  }
}

function toJson(key: string, data: object): string {
  if (Array.isArray(data) || typeof data !== 'object') throw new TypeError(`${key} is no object`)
  checkPlain(data, key)
  const json = JSON.stringify(data)
  const bytes = Buffer.byteLength(json)
  if (bytes > MAX_DOCUMENT_BYTES) throw new TypeError(`${key} has ${bytes} bytes; a document has at most ${MAX_DOCUMENT_BYTES}, larger ones go to the BlobStore`)
  return json
}

function changesOf(writes: readonly WriteRow[], firstVersion: number): Change[] {
  return writes.map(([kind, collection, id, json], index) => ({ collection, id, version: firstVersion + index, ...(kind === 'delete' ? {} : { json }) }))
}

function keyText([collection, id]: DocKey): string {
  return `${collection}/${id}`
}
