/**
 * The record of a call that goes upstream. Changes, approved calls and sensitive reads write an intent before the dial. A plain read
 * owes its record until its answer is there: then one record says what was asked and what came of it, durable before a byte of the
 * answer leaves. What takes longer than a moment, and what streams, writes an intent after all (invariants 1 and 8).
 */
import type { Clock, IsolationLevel, Mode } from '@lockkeeper/domain'
import type { ErrorReason } from '@lockkeeper/domain/errors'
import type { CallFacts, Recorded, RecordBody, RecordEntry, RecordWriter } from '@lockkeeper/domain/records'

type Outcome = RecordEntry & { readonly kind: 'outcome' }
type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** What the records of a call are made of; every passage is one. */
export interface RecordedCall {
  readonly facts: CallFacts
  /** Bodies to keep beside the record, already masked. */
  readonly bodies: RecordBody[]
  readonly mode: Mode
  readonly isolation: IsolationLevel
  /** Monotonic ms of the arrival. */
  readonly startedAt: number
  readonly requestBytes: number
  readonly heldMs: number
}

/** How a passage ended, for its outcome record. */
export interface Ending {
  readonly result: Outcome['result']
  readonly status: number
  readonly reason?: ErrorReason
  readonly detail?: string
  readonly responseBytes: number
  readonly responseBody?: string
  readonly masked?: number
}

export interface RecordWrites { readonly records: RecordWriter, readonly clock: Clock }

export class CallRecord {
  /** What the upstream is told: the intent's id, or the call's own name. */
  readonly reference: string
  /** Undefined: owed. */
  #written: Recorded | undefined
  #told: Ending | undefined

  constructor(reference: string, written?: Recorded) {
    this.reference = reference
    this.#written = written
  }

  /** The record that stands for the call; undefined while it is owed. */
  get id(): string | undefined { return this.#written?.id }

  /** The ending that the record tells already. */
  get told(): Ending | undefined { return this.#told }

  /** Rejects with PortUnavailable as the log does. TypeError while the record is owed: nothing may be released by mistake. */
  durable(): Promise<void> {
    if (this.#written === undefined) throw new TypeError('a call whose record is owed cannot be released')
    return this.#written.durable()
  }

  /** What is owed becomes an intent. Throws AUDIT_UNAVAILABLE. Returns the record's id. */
  writeIntent(passage: RecordedCall, writes: RecordWrites): string {
    this.#written ??= appendIntent(passage, writes)
    return this.#written.id
  }

  /** What is owed becomes one record of the whole call. Throws AUDIT_UNAVAILABLE. Returns the record's id. */
  writeWhole(passage: RecordedCall, ending: Ending, writes: RecordWrites): string {
    if (this.#written !== undefined) throw new TypeError('the call has a record already')
    this.#written = appendOutcome(passage, ending, { reference: this.reference }, writes)
    this.#told = ending
    return this.#written.id
  }
}

/** Throws AUDIT_UNAVAILABLE. */
export function appendIntent(passage: RecordedCall, { records, clock }: RecordWrites): Recorded {
  return records.append({ kind: 'intent', at: clock.now(), mode: passage.mode, isolation: passage.isolation, origin: 'agent', ...passage.facts }, passage.bodies.splice(0))
}

/** `place`: what the outcome closes or corrects, or the call's name upstream. Throws AUDIT_UNAVAILABLE. */
export function appendOutcome(passage: RecordedCall, ending: Ending, place: Pick<Outcome, 'intent' | 'reference'>, { records, clock }: RecordWrites): Recorded {
  const { facts, mode, isolation, requestBytes, heldMs } = passage
  const entry: Writable<Outcome> = {
    ...facts, kind: 'outcome', at: clock.now(), mode, isolation, origin: 'agent',
    result: ending.result, status: ending.status, responseBytes: ending.responseBytes, requestBytes, durationMs: round(clock.monotonic() - passage.startedAt),
  }
  // One by one: this is the data path, and spread objects cost it a microsecond.
  if (place.intent !== undefined) entry.intent = place.intent
  if (place.reference !== undefined) entry.reference = place.reference
  if (ending.reason !== undefined) entry.reason = ending.reason
  if (ending.detail !== undefined) entry.detail = ending.detail
  if (ending.responseBody !== undefined) entry.responseBody = ending.responseBody
  if (ending.masked !== undefined) entry.masked = ending.masked
  if (heldMs !== 0) entry.heldMs = round(heldMs)
  return records.append(entry, passage.bodies)
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
