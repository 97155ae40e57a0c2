/** DocumentStore over Firestore: read, decide here, commit there if nothing that was read has changed. */
import type { Clock } from '@lockkeeper/domain'
import { checkLimit, decodeCursor, encodeCursor, keyText, shapeOf, type CheckedWrite, type DeclaredDocuments, type DocKey } from '@lockkeeper/domain/documents'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Collection, type Commit, type Doc, type DocumentStore, type Page, type Query, type Ref, type Watch, type WatchChange } from '@lockkeeper/domain/ports'
import { conditionalWrites } from './conditional-writes.ts'
import { decodeDocument, encodeDocument, encodeId, type StoredDocument, type StoredWrite } from './encoding.ts'
import { isConflict, isRepeatable, portError } from './failures.ts'
import type { FirestoreClient } from './firestore-client.ts'
import type { Lines } from './lines.ts'
import { checkFact, outboxWrite, type Outbox, type OutboxFact } from './outbox.ts'
import { structuredQuery } from './structured-query.ts'
import { LiveWatch, type WatchSettings } from './watch.ts'

const MAX_ATTEMPTS = 10
const READ_ATTEMPTS = 4
const MAX_BACKOFF_MS = 250
/** Firestore takes requests of 10 MiB; names and values beside the documents need some. */
const MAX_COMMIT_BYTES = 9 * 1024 * 1024

type Decide<R> = (docs: readonly (Doc | undefined)[], now: number) => Commit<R> | Refusal

/** What one attempt came to; a conflict is decided again. */
type Attempt<R> = { readonly done: R | Refusal } | { readonly conflict: unknown }

interface Plan<R> { readonly writes: readonly StoredWrite[], readonly facts: readonly OutboxFact[], readonly done: R | Refusal }

export interface DocumentParts {
  readonly client: FirestoreClient
  readonly clock: Clock
  readonly declared: DeclaredDocuments
  readonly lines: Lines
  readonly outbox: Outbox
  readonly readTimeoutMs: number
  readonly transactTimeoutMs: number
  /** Ms before the second attempt of a read or transaction; doubled with each up to 250, spread over half to all of it. */
  readonly backoffMs: number
  readonly watch: WatchSettings
}

export class FirestoreDocuments implements DocumentStore {
  readonly #parts: DocumentParts
  readonly #watches = new Set<LiveWatch>()

  constructor(parts: DocumentParts) { this.#parts = parts }

  async read<T extends object>(refs: readonly Ref<T>[]): Promise<readonly (Doc<T> | undefined)[]> {
    const names = this.#parts.declared.keys(refs).map(key => this.#name(key))
    if (names.length === 0) return []
    // Firestore answers once for a name that is asked for twice.
    const unique = [...new Set(names)]
    const documents = await this.#repeated('a read', this.#readEnd(), left => this.#parts.client.read(unique, left))
    const found = new Map(unique.map((name, index) => [name, documents[index]]))
    return names.map(name => {
      const stored = found.get(name)
      return stored === undefined ? undefined : decodeDocument(stored) as Doc<T>
    })
  }

  async transact<R>(refs: readonly Ref[], decide: Decide<R>): Promise<R | Refusal> {
    const { declared, lines, clock, transactTimeoutMs } = this.#parts
    const keys = declared.transactionKeys(refs)
    const end = clock.monotonic() + transactTimeoutMs
    const leave = await lines.enter(keys.map(keyText), transactTimeoutMs)
    try {
      return await this.#attempts(keys, decide, end)
    } finally {
      leave()
    }
  }

  async query<T extends object>(collection: Collection<T>, query: Query): Promise<Page<T>> {
    const declared = this.#parts.declared.collection(collection)
    checkLimit(query.limit)
    const shape = shapeOf(declared, query)
    const after = query.cursor === undefined ? undefined : decodeCursor(shape, query.cursor)
    const { client } = this.#parts
    const asked = structuredQuery(declared, query, { root: client.root, limit: query.limit + 1, ...(after === undefined ? {} : { after }) })
    const { documents: stored } = await this.#repeated('a query', this.#readEnd(), left => client.query(asked, left))
    const docs = stored.slice(0, query.limit).map(one => decodeDocument(one) as Doc<T>)
    const last = docs.at(-1)
    return stored.length <= query.limit || last === undefined ? { docs } : { docs, cursor: encodeCursor(shape, last.id, last.data as Record<string, unknown>) }
  }

  watch<T extends object>(collection: Collection<T>, query: Omit<Query, 'limit' | 'cursor'>, listener: (changes: readonly WatchChange<T>[]) => void): Watch {
    const { client, clock, declared, watch: settings } = this.#parts
    const asked = structuredQuery(declared.collection(collection), query, { root: client.root })
    const watch = new LiveWatch({
      settings, clock, what: `${collection.name}.${query.name}`,
      open: resumeToken => client.listen(asked, resumeToken),
      onSilence: () => client.renew(),
      listener: changes => listener(changes as readonly WatchChange<T>[]),
      onClose: () => this.#watches.delete(watch),
    })
    this.#watches.add(watch)
    return watch
  }

  close(): void {
    for (const watch of [...this.#watches]) watch.close()
  }

  async #attempts<R>(keys: readonly DocKey[], decide: Decide<R>, end: number): Promise<R | Refusal> {
    let lost: unknown
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const left = end - this.#parts.clock.monotonic()
      if (left < 1) break
      const outcome = await this.#attempt(keys, decide, end)
      if ('done' in outcome) return outcome.done
      lost = outcome.conflict
      if (attempt < MAX_ATTEMPTS) await this.#pause(attempt, left)
    }
    throw new PortUnavailable(`Firestore: documents changed under every attempt of a transaction: ${keys.map(keyText).join(', ').slice(0, 500)}`, { cause: lost })
  }

  /** A commit whose answer is lost may have happened or not, so it is an outage and never tried again here. */
  async #attempt<R>(keys: readonly DocKey[], decide: Decide<R>, end: number): Promise<Attempt<R>> {
    const { client, clock, outbox } = this.#parts
    const names = keys.map(key => this.#name(key))
    const documents = names.length === 0 ? [] : await this.#repeated('a transaction', end, left => client.read(names, left))
    const planned = this.#plan(keys, decide, documents)
    if (planned.writes.length === 0) return { done: planned.done }
    try {
      await client.commit(conditionalWrites(new Map(names.map((name, index) => [name, documents[index]])), planned.writes), Math.max(1, end - clock.monotonic()))
    } catch (error) {
      if (!isConflict(error)) throw portError('a transaction', error)
      return { conflict: error }
    }
    outbox.committed(planned.facts)
    return { done: planned.done }
  }

  /** What `decide` throws, and what is wrong with what it decided, is passed on as it is. */
  #plan<R>(keys: readonly DocKey[], decide: Decide<R>, documents: readonly (StoredDocument | undefined)[]): Plan<R> {
    const decided = decide(documents.map(stored => stored === undefined ? undefined : decodeDocument(stored)), this.#parts.clock.now())
    if (isRefusal(decided)) return { writes: [], facts: [], done: decided }
    const facts = decided.facts.map(checkFact)
    return { writes: this.#writes(keys, decided, facts), facts, done: decided.result }
  }

  #writes<R>(keys: readonly DocKey[], commit: Commit<R>, facts: readonly OutboxFact[]): StoredWrite[] {
    const { client, declared } = this.#parts
    const checked = declared.writes(keys, commit.writes)
    const bytes = checked.reduce((sum, write) => sum + (write.kind === 'delete' ? 0 : write.json.length), 0) + facts.reduce((sum, { json }) => sum + json.length, 0)
    if (bytes > MAX_COMMIT_BYTES) throw new TypeError(`a commit has ${bytes} bytes; Firestore takes ${MAX_COMMIT_BYTES}`)
    return [...checked.map(write => this.#stored(write)), ...facts.map(fact => outboxWrite(client.root, fact))]
  }

  #stored(write: CheckedWrite): StoredWrite {
    const name = this.#name(write.key)
    if (write.kind === 'delete') return { delete: name }
    const collection = this.#parts.declared.collection({ name: write.key[0], queries: {} })
    return { update: { name, fields: encodeDocument(collection, write.json) }, ...(write.kind === 'create' ? { currentDocument: { exists: false } } : {}) }
  }

  #name([collection, id]: DocKey): string {
    return this.#parts.client.documentName(`${collection}/${encodeId(id)}`)
  }

  #readEnd(): number {
    return this.#parts.clock.monotonic() + this.#parts.readTimeoutMs
  }

  /** What changes nothing may be asked again, until `end` of the monotonic clock. */
  async #repeated<T>(what: string, end: number, ask: (leftMs: number) => Promise<T>): Promise<T> {
    const { clock } = this.#parts
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(Math.max(1, end - clock.monotonic()))
      } catch (error) {
        const left = end - clock.monotonic()
        if (attempt >= READ_ATTEMPTS || left < 1 || !isRepeatable(error)) throw portError(what, error)
        await this.#pause(attempt, left)
      }
    }
  }

  #pause(attempt: number, leftMs: number): Promise<void> {
    const ms = Math.min(MAX_BACKOFF_MS, this.#parts.backoffMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2)
    return new Promise(resolve => { setTimeout(resolve, Math.min(ms, leftMs)) })
  }
}
