/**
 * Entries of the audit log. One call leaves an intent (before the dial) and an outcome (always, refusals too). A plain read whose
 * answer is small and quick leaves one outcome that says both, durable before the first byte of the answer is released.
 */
import type { Effect, IsolationLevel, Mode } from './index.ts'

/** `rec_` + writer + sequence: unique, and names its place. */
export type RecordId = string

export interface RecordCommon {
  /** Epoch ms. */
  readonly at: number
  readonly mode: Mode
  readonly isolation: IsolationLevel
  /** `agent`, or `gateway` for its own reads, or `operator` for what people did. */
  readonly origin: 'agent' | 'gateway' | 'operator'
}

/**
 * What the upstream credential of a call is good for: all that its principal may do, or no more than its access boundary leaves (the
 * buckets that the call names; in them what begins with the names that it says). Absent where none was sent, and in older records.
 */
export type CredentialReach = 'whole' | 'bucket' | 'object'

export interface CallFacts {
  readonly issuer?: string
  readonly agent?: string
  readonly run?: string
  readonly sponsor?: string
  readonly tokenHash?: string
  readonly door: 'path' | 'domain' | 'forward' | 'none'
  readonly host: string
  readonly verb: string
  /** Path and query as sent upstream; for refusals that were not understood: as received, cut at 2 KiB. */
  readonly path: string
  readonly target?: string
  readonly method?: string
  readonly risk?: string
  readonly change?: boolean
  readonly resources?: readonly string[]
  readonly digest?: string
  readonly effect?: Effect
  readonly rule?: string
  /** The policy says that somebody is told of the call. */
  readonly notify?: true
  readonly bundle?: string
  readonly approval?: string
  readonly fence?: string
  /** Upstream principal whose credential was used. */
  readonly principal?: string
  readonly credential?: CredentialReach
  /** SHA-256 of the (masked) request body, where it was inspected. */
  readonly requestBody?: string
  /** Agent's stated reason, untrusted. */
  readonly statedReason?: string
  readonly trace?: string
}

export type RecordEntry =
  | RecordCommon & CallFacts & { readonly kind: 'intent' }
  /**
   * `intent` names the record it closes or corrects; a call refused before its intent has none, nor has a plain read that is told in one
   * record. `answered` in such a record is written when the answer is about to be passed on.
   */
  | RecordCommon & CallFacts & {
    readonly kind: 'outcome'
    readonly intent?: RecordId
    /** The call's name upstream (`X-Goog-Request-Reason`), where its own record is written after the dial. */
    readonly reference?: string
    /** `answered`: complete answer passed on; `refused`: by the gateway; `failed`: upstream error; `unknown`: cannot be known; `receipt`: a stored answer was given; `pending`: held, then 428; `left`: the client went away. */
    readonly result: 'answered' | 'refused' | 'failed' | 'unknown' | 'receipt' | 'pending' | 'left'
    readonly status: number
    readonly reason?: string
    readonly detail?: string
    readonly requestBytes: number
    readonly responseBytes: number
    /** SHA-256 of the (masked) response body, where it was collected. */
    readonly responseBody?: string
    readonly masked?: number
    readonly durationMs: number
    readonly heldMs?: number
  }
  /** What people and the gateway itself did: approvals, locks, bundles, starts and stops. */
  | RecordCommon & { readonly kind: 'event', readonly name: string, readonly who?: string, readonly run?: string, readonly approval?: string, readonly text: string, readonly facts?: Readonly<Record<string, string>> }

/** Bodies are kept apart from records, by hash, already masked. */
export interface RecordBody { readonly hash: string, readonly bytes: Uint8Array, readonly contentType: string }

export interface Recorded {
  readonly id: RecordId
  /** Resolves when the entry is durable; rejects with PortUnavailable when the log cannot take it. */
  durable(): Promise<void>
}

/** The proxy's side of the log: appends in order, batches, chains and signs. Never waits on its own. */
export interface RecordWriter {
  /** Throws LockkeeperError AUDIT_UNAVAILABLE when stopped or when a batch stayed unacknowledged for too long. */
  append(entry: RecordEntry, bodies?: readonly RecordBody[]): Recorded
  /** True while `append` would be accepted. */
  readonly healthy: boolean
  /** Another name for a call whose record is written later: `call_` + writer + a count of its own. */
  reference(): string
  /** Writes `closed(lastSeq)` and waits until everything is durable. */
  close(): Promise<void>
}
