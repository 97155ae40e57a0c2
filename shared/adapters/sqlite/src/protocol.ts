/**
 * What the main thread and the store's worker say to each other. Documents and events travel as JSON text, so that a
 * message costs the copy of a string and nothing is walked twice.
 */
import type { DocKey } from '@lockkeeper/domain/documents'
import type { Collection } from '@lockkeeper/domain/ports'

export type DocRow = readonly [version: number, json: string] | null
export type StoredDoc = readonly [id: string, version: number, json: string]
export type WriteRow = readonly [kind: 'put' | 'create' | 'delete', collection: string, id: string, json: string]
/** Version null: the document was absent. */
export type ReadRow = readonly [collection: string, id: string, version: number | null]

export interface FactRow {
  readonly topic: string
  readonly json: string
  /** Subscriptions of this process that have a free place: their deliveries start as attempt 1, leased until then (epoch ms). */
  readonly leases: readonly (readonly [subscription: number, until: number])[]
}

export interface Operations {
  read: { readonly request: { readonly keys: readonly DocKey[] }, readonly reply: readonly DocRow[] }
  rows: { readonly request: { readonly sql: string, readonly params: readonly (string | number)[] }, readonly reply: readonly StoredDoc[] }
  commit: {
    readonly request: { readonly reads: readonly ReadRow[], readonly writes: readonly WriteRow[], readonly facts: readonly FactRow[], readonly now: number }
    readonly reply: CommitReply
  }
  register: { readonly request: { readonly topic: string, readonly name: string, readonly maxDeliveries: number }, readonly reply: number }
  pull: { readonly request: { readonly subscription: number, readonly limit: number, readonly now: number, readonly leaseUntil: number }, readonly reply: PullReply }
  ack: { readonly request: { readonly seq: number }, readonly reply: null }
  /** Due again at `dueAt`, if this attempt is still the last one. `undo` takes the attempt back: it never reached a handler. */
  retry: { readonly request: { readonly seq: number, readonly attempt: number, readonly dueAt: number, readonly undo: boolean }, readonly reply: null }
  bury: { readonly request: { readonly seq: number, readonly attempt: number, readonly error: string, readonly now: number }, readonly reply: null }
  deadLetters: { readonly request: { readonly limit: number }, readonly reply: readonly DeadRow[] }
  /** Answers with the topic and the name of the subscription, or null where there is no such letter. */
  redrive: { readonly request: { readonly seq: number, readonly now: number }, readonly reply: readonly [topic: string, name: string] | null }
  /** Deletes at most `limit` documents whose time is over and answers with their keys. */
  sweep: { readonly request: { readonly now: number, readonly limit: number }, readonly reply: readonly DocKey[] }
  close: { readonly request: object, readonly reply: null }
}

export type OperationKind = keyof Operations
export type Operation = { readonly [K in OperationKind]: { readonly kind: K } & Operations[K]['request'] }[OperationKind]
export type OperationOf<K extends OperationKind> = Extract<Operation, { kind: K }>
export type ReplyOf<K extends OperationKind> = Operations[K]['reply']

export type CommitReply =
  /** Write number i has the version `firstVersion + i`; `leased` has the delivery numbers of each fact's leases, in order. */
  | { readonly ok: true, readonly firstVersion: number, readonly leased: readonly (readonly number[])[] }
  | { readonly ok: false, readonly conflicts: readonly DocKey[] }

export interface PullReply {
  readonly rows: readonly { readonly seq: number, readonly attempt: number, readonly json: string }[]
  /** More is due now than was given. */
  readonly more: boolean
  /** Epoch ms at which the next delivery of the subscription is due. */
  readonly nextDue?: number
}

export interface DeadRow { readonly seq: number, readonly topic: string, readonly subscription: string, readonly json: string, readonly error: string, readonly at: number }

export interface Envelope { readonly id: number, readonly op: Operation }
export type Answer =
  | { readonly id: number, readonly value: unknown }
  | { readonly id: number, readonly failed: string }

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unopened', readonly message: string }
  | { readonly kind: 'answers', readonly answers: readonly Answer[], readonly group: number }
  /** Proof of life; `group` is the number of the last commit group. */
  | { readonly kind: 'beat', readonly group: number }

export interface WorkerSettings {
  readonly file: string
  readonly collections: readonly Collection[]
  /** Largest size of the store in bytes. */
  readonly maxBytes: number
  /** Deliveries and dead letters that may wait before publishing is refused. */
  readonly maxBacklog: number
  readonly beatMs: number
  readonly lockWaitMs: number
  /** Epoch ms at opening: deliveries leased by the process before are due at once. */
  readonly openedAt: number
}
