/** Firestore's calls as the store needs them. The generated client, because only it lets every call have its own deadline and shows the listen protocol. */
import { credentials } from '@grpc/grpc-js'
import firestore from '@google-cloud/firestore'
import type { Duplex, Readable } from 'node:stream'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { Connection, type Sdk } from './connection.ts'
import { epochMs, type StoredDocument, type StoredWrite, type Timestamp } from './encoding.ts'
import type { StructuredQuery } from './structured-query.ts'
import { RequestSlots } from './request-slots.ts'

const PROJECT_ID = /^(?:[a-z][a-z0-9.-]{0,60}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/
const DATABASE_ID = /^(?:\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$/

/** Google ends a stream much sooner; whoever listens opens another one. */
const LISTEN_MS = 86_400_000

/**
 * A connection that dies without a word is found dead within 40 s although calls on it only time out; a new one is tried soon
 * and often, because an outage ends the work of a whole gateway.
 */
const CHANNEL = { 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 10_000, 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2000 } as const

export interface DatabaseAddress {
  readonly projectId: string
  readonly databaseId: string
  /** `host:port` of an emulator: no TLS, no credentials. Sandbox and tests only; whoever reads settings refuses it in real mode (invariant 14). */
  readonly emulator?: string
}

export interface QueryAnswer {
  readonly documents: readonly StoredDocument[]
  /** The server's time of the answer. */
  readonly readTimeMs: number
}

/** What the server says on a listen stream, as far as it is looked at. */
export interface ListenMessage {
  readonly targetChange?: {
    readonly targetChangeType?: string
    readonly targetIds?: readonly number[]
    readonly cause?: { readonly code?: number, readonly message?: string } | null
    readonly resumeToken?: Uint8Array
    readonly readTime?: object | null
  } | null
  readonly documentChange?: { readonly document?: StoredDocument | null, readonly targetIds?: readonly number[], readonly removedTargetIds?: readonly number[] } | null
  readonly documentDelete?: { readonly document?: string } | null
  readonly documentRemove?: { readonly document?: string } | null
  readonly filter?: { readonly count?: number } | null
}

export type ListenStream = Duplex & { cancel(): void }

interface ReadMessage { readonly found?: StoredDocument | null, readonly missing?: string }

type CallOptions = NonNullable<Parameters<Sdk['listen']>[0]>

export class FirestoreClient {
  /** `projects/PROJECT/databases/DATABASE/documents`. */
  readonly root: string
  readonly #database: string
  readonly #connection: Connection
  readonly #isEmulator: boolean
  readonly #slots = new RequestSlots()
  readonly #headers: Readonly<Record<string, string>>

  private constructor({ projectId, databaseId, emulator }: DatabaseAddress) {
    if (!PROJECT_ID.test(projectId)) throw new TypeError(`"${projectId}" cannot be a project's id`)
    if (!DATABASE_ID.test(databaseId)) throw new TypeError(`"${databaseId}" cannot be a database's id`)
    this.#database = `projects/${projectId}/databases/${databaseId}`
    this.root = `${this.#database}/documents`
    this.#isEmulator = emulator !== undefined
    // The generated client's requests name the database in their bodies only; Google routes by these headers.
    const routed = { 'google-cloud-resource-prefix': this.#database, 'x-goog-request-params': `database=${encodeURIComponent(this.#database)}` }
    this.#headers = emulator === undefined ? routed : { ...routed, authorization: 'Bearer owner' }
    const options = { projectId, ...CHANNEL, ...(emulator === undefined ? {} : plainChannel(emulator)) }
    this.#connection = new Connection(() => new firestore.v1.FirestoreClient(options))
  }

  /** Finds credentials; dials nothing yet. PortUnavailable when there are none within 10 s. */
  static async open(address: DatabaseAddress): Promise<FirestoreClient> {
    const client = new FirestoreClient(address)
    await client.#connection.open()
    return client
  }

  documentName(path: string): string {
    return `${this.root}/${path}`
  }

  /** In the order of the names. Several are read as of one moment, which takes a read-only transaction: it holds nothing and needs no end. */
  async read(names: readonly string[], timeoutMs: number): Promise<readonly (StoredDocument | undefined)[]> {
    const messages = await this.#call(timeoutMs, async (sdk, left) => {
      const asOf = names.length === 1 ? {} : await this.#oneMoment(sdk, left)
      return collect<ReadMessage>(sdk.batchGetDocuments({ database: this.#database, documents: [...names], ...asOf }, this.#options(left)))
    })
    const found = new Map(messages.flatMap(({ found: one }) => typeof one?.name === 'string' ? [[one.name, one] as const] : []))
    const answered = new Set([...found.keys(), ...messages.map(({ missing }) => missing)])
    if (names.some(name => !answered.has(name))) throw new PortUnavailable('Firestore: an answer lacks a document that was asked for')
    return names.map(name => found.get(name))
  }

  /** All writes or none, none where a precondition does not hold. */
  async commit(writes: readonly StoredWrite[], timeoutMs: number): Promise<void> {
    await this.#call(timeoutMs, (sdk, left) => sdk.commit({ database: this.#database, writes: [...writes] as object[] }, this.#options(left)))
  }

  async query(structuredQuery: StructuredQuery, timeoutMs: number): Promise<QueryAnswer> {
    const messages = await this.#call(timeoutMs, (sdk, left) => collect<{ document?: StoredDocument | null, readTime?: Timestamp | null }>(sdk.runQuery({ parent: this.root, structuredQuery: structuredQuery as object }, this.#options(left))))
    return { documents: messages.flatMap(({ document }) => document ?? []), readTimeMs: Math.max(0, ...messages.map(({ readTime }) => epochMs(readTime))) }
  }

  /** One target, number 1, on a stream of its own. The caller handles `data`, `error` and `end`, and cancels it. */
  listen(structuredQuery: StructuredQuery, resumeToken?: Uint8Array): ListenStream {
    const stream = this.#connection.sdk.listen({ otherArgs: { headers: this.#headers }, timeout: LISTEN_MS }) as unknown as ListenStream
    stream.write({ database: this.#database, addTarget: { targetId: 1, query: { parent: this.root, structuredQuery }, ...(resumeToken === undefined ? {} : { resumeToken }) } })
    return stream
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  /** For whoever finds that nothing comes any more over the connection there is. */
  renew(): void {
    this.#connection.renew()
  }

  #call<T>(timeoutMs: number, work: (sdk: Sdk, leftMs: number) => Promise<T>): Promise<T> {
    return this.#slots.run(timeoutMs, left => this.#connection.watched(sdk => work(sdk, left)))
  }

  /** The emulator shows half of a commit even to a transaction, unless that was begun before the read. */
  async #oneMoment(sdk: Sdk, timeoutMs: number): Promise<object> {
    if (!this.#isEmulator) return { newTransaction: { readOnly: {} } }
    const [{ transaction }] = await sdk.beginTransaction({ database: this.#database, options: { readOnly: {} } }, this.#options(timeoutMs))
    return { transaction }
  }

  /** The SDK repeats nothing by itself: whoever calls knows what may be repeated and how long that may take. */
  #options(timeout: number): CallOptions {
    return { timeout, retry: { retryCodes: [] }, retryRequestOptions: { retries: 0, noResponseRetries: 0 }, otherArgs: { headers: this.#headers } } as unknown as CallOptions
  }
}

/** The SDK asks its authenticator for a universe even where no credential is used; the real one would look for a metadata server. */
function plainChannel(emulator: string): object {
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(emulator) ?? []
  if (host === undefined || port === undefined) throw new TypeError('an emulator is host:port')
  return { servicePath: host, port: Number(port), sslCreds: credentials.createInsecure(), auth: { getUniverseDomain: () => Promise.resolve('googleapis.com') } }
}

function collect<T>(stream: Readable): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const messages: T[] = []
    stream.on('data', (message: T) => messages.push(message)).on('error', reject).on('end', () => resolve(messages))
  })
}
