/**
 * The ports. Every contract says what happens on absence, conflict and retry; compliance suites in shared/testkit
 * hold each adapter to it. Adapters throw only for outages (`PortUnavailable`) and for our own mistakes (TypeError).
 */
import type { Refusal } from './errors.ts'
import type { CloudEvent } from './events.ts'
import type { Call } from './index.ts'
import type { CredentialReach } from './records.ts'

export type * from './approval-port.ts'

/** A part that is needed is down or slow. `cause` is kept; the text is private. */
export class PortUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'PortUnavailable'
  }
}

// ── Documents ──────────────────────────────────────────────────────────────────────────────────────────────

/** A declared collection: indexes of SQLite and Firestore are generated from it; an undeclared query throws. */
export interface Collection<T extends object = object> {
  readonly name: string
  readonly queries: Readonly<Record<string, QueryShape>>
  /** Field with epoch ms after which the document may be deleted by the store, in its own time. */
  readonly ttlField?: string
  /** Type carrier; never set. */
  readonly _type?: T
}

export interface QueryShape {
  /** Top-level fields compared for equality. */
  readonly equal: readonly string[]
  /** At most one field for range and order; ties are ordered by id. */
  readonly order?: { readonly field: string, readonly direction: 'asc' | 'desc' }
}

export interface Ref<T extends object = object> { readonly collection: Collection<T>, readonly id: string }

export interface Doc<T extends object = object> {
  readonly id: string
  /** Opaque; changes with every write. */
  readonly version: string
  readonly data: T
}

export type Write<T extends object = object> =
  | { readonly kind: 'put', readonly ref: Ref<T>, readonly data: T }
  /** Refused (the whole commit is retried through `decide`) when the document is there. */
  | { readonly kind: 'create', readonly ref: Ref<T>, readonly data: T }
  | { readonly kind: 'delete', readonly ref: Ref<T> }

export interface Commit<R> {
  readonly writes: readonly Write[]
  /** Facts that become visible together with the writes, or not at all (outbox). */
  readonly facts: readonly CloudEvent[]
  readonly result: R
}

export interface Query {
  readonly name: string
  /** Values for the shape's `equal` fields, all of them. */
  readonly equal: Readonly<Record<string, string | number | boolean>>
  /** Inclusive bounds on the order field. */
  readonly from?: string | number
  readonly to?: string | number
  /** 1 to 1,000. */
  readonly limit: number
  readonly cursor?: string
}

export interface Page<T extends object> { readonly docs: readonly Doc<T>[], readonly cursor?: string }

export interface WatchChange<T extends object> {
  readonly id: string
  /** Undefined: removed (tombstone) or no longer matching. */
  readonly doc?: Doc<T>
}

export interface Watch {
  /** Resolves when the first full set has been delivered. Rejects with PortUnavailable when it does not come in time; the watch is over then. */
  readonly ready: Promise<void>
  /**
   * Ms since the watched set was last known to be complete; Infinity before `ready` and after `close`. A cut makes it grow and is mended
   * by itself. A store may be silent where nothing changes, so it may grow there too: sets that must be young hold a heartbeat.
   */
  age(): number
  close(): void
}

export interface DocumentStore {
  /** Strong read; the answer has one entry per ref, undefined where there is no document. */
  read<T extends object>(refs: readonly Ref<T>[]): Promise<readonly (Doc<T> | undefined)[]>
  /**
   * Reads the named documents, calls `decide` (synchronous, pure, possibly more than once) and commits writes and facts
   * together; durable when it resolves. Documents written must be among `refs`, except creates of fresh ids.
   * On conflict `decide` is called again with fresh documents, at most 10 times, then PortUnavailable.
   * A throw of `decide` commits nothing and is passed on. A Refusal commits nothing and is returned.
   * Documents over 900 KiB: TypeError.
   */
  transact<R>(refs: readonly Ref[], decide: (docs: readonly (Doc | undefined)[], now: number) => Commit<R> | Refusal): Promise<R | Refusal>
  query<T extends object>(collection: Collection<T>, query: Query): Promise<Page<T>>
  /**
   * Delivers the whole matching set first, then what changed, each state once. Every call leads from one state that the whole set had
   * to a later one: never an older state of a document after a newer one, never half of a commit. Commits that follow each other
   * closely may come as one call, and a state that was overwritten before it was told is left out then.
   * A listener that throws ends the process: it is our own mistake.
   */
  watch<T extends object>(collection: Collection<T>, query: Omit<Query, 'limit' | 'cursor'>, listener: (changes: readonly WatchChange<T>[]) => void): Watch
}

// ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface Delivery<E = CloudEvent> {
  readonly event: E
  /** 1 for the first delivery. */
  readonly attempt: number
}

export interface SubscriptionOptions {
  readonly topic: string
  /** Name of the consumer; each name gets every event once or more. */
  readonly name: string
  /** Deliveries before the event goes to the dead letters; 5 to 100, default 10. */
  readonly maxDeliveries?: number
  /** Events handled at once, default 16. */
  readonly concurrency?: number
  /** Ms until an unacknowledged delivery is repeated, default 10,000. */
  readonly ackDeadlineMs?: number
}

export interface Subscription { close(): Promise<void> }

export interface EventBus {
  /** Resolves when durable; concurrent publishes share one commit. Throws PortUnavailable. */
  publish(topic: string, events: readonly CloudEvent[]): Promise<void>
  /** At least once, any order. A handler that resolves acknowledges; one that rejects is called again with backoff. */
  subscribe(options: SubscriptionOptions, handler: (delivery: Delivery) => Promise<void>): Subscription
  /** Events that were given up, newest first. */
  deadLetters(limit: number): Promise<readonly { readonly id: string, readonly topic: string, readonly subscription: string, readonly event: CloudEvent, readonly error: string, readonly at: number }[]>
  /** Puts a dead letter back; resolves false when there is none of that id. PortUnavailable where its consumer is asked at once and refuses it again: it stays a letter. */
  redrive(id: string): Promise<boolean>
}

// ── Secrets, blobs, signatures ─────────────────────────────────────────────────────────────────────────────

export interface SecretSource {
  /** The value and the pinned version that it has. Absence: LockkeeperError CREDENTIAL_UNAVAILABLE. */
  access(name: string): Promise<{ readonly value: string, readonly version: string }>
}

export interface BlobStore {
  /** Create-only and durable when it resolves; the same key with the same bytes is `exists`, with other bytes TypeError. Keys: `[a-z0-9._/-]`, no dot segments. */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'>
  read(key: string): Promise<Uint8Array | undefined>
  /** Keys with the prefix in ascending order, after `after`, at most `limit` (1 to 10,000). */
  list(prefix: string, options: { readonly after?: string, readonly limit: number }): Promise<readonly string[]>
  /** Only where retention allows it (receipts, bodies); absence is no error. */
  remove(key: string): Promise<void>
}

export interface Signer {
  /** Names key and version; stands in everything that is signed. */
  readonly keyId: string
  readonly algorithm: 'Ed25519' | 'ES256'
  sign(bytes: Uint8Array): Promise<Uint8Array>
  publicKeyJwk(): Promise<Record<string, string>>
}

// ── Upstream credentials ───────────────────────────────────────────────────────────────────────────────────

/** Where a target's upstream credential comes from; `none` sends no Authorization at all. */
export interface CredentialSource {
  readonly kind: 'adc' | 'impersonate' | 'idToken' | 'secret' | 'none'
  /**
   * The value for the upstream's Authorization header; undefined for kind `none`. Cached, refreshed ahead, one refresh in
   * flight; synchronous from the cache whenever it can be. Outage: LockkeeperError CREDENTIAL_UNAVAILABLE.
   */
  authorization(call: Call): string | undefined | Promise<string | undefined>
  /** Who the upstream sees, for records: a service account's e-mail or `none`. */
  readonly principal: string
  /** How far the credential for this call reaches, for records. Absent: as far as the principal does. */
  reach?(call: Call): CredentialReach
}
