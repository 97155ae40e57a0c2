/** One request on its way through the pipeline, and the witnesses that guards leave on it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Agent, Call, Decision, IsolationLevel, Mode } from '@lockkeeper/domain'
import type { Refusal } from '@lockkeeper/domain/errors'
import type { Claim, StateFacts, StoredAnswer } from '@lockkeeper/domain/ports'
import type { CallFacts, RecordBody } from '@lockkeeper/domain/records'
import type { Readable } from 'node:stream'
import type { CallRecord } from './call-record.ts'
import type { RequestHeaders } from './exchange/request-headers.ts'
import type { OwnRead } from './state/resource-read.ts'
import type { Target } from './targets.ts'
import type { CallTrace } from './telemetry/call-trace.ts'

declare const witness: unique symbol
/** A fact that only the guard of that name can establish; `exchange` demands all of them. */
export type Witness<Name extends string, T> = T & { readonly [witness]: Name }

export type { Ending } from './call-record.ts'

export type Door = 'path' | 'domain' | 'forward'

/** What a door understood of where the request wants to go. */
export interface Arrival {
  readonly door: Door
  /** The upstream host that the agent means, lower case, without port. */
  readonly host: string
  /** Path and query, raw. */
  readonly path: string
  readonly query: string
  /** Origin under which the agent reaches Google hosts through this door: '' where they keep their own names. */
  readonly origin: (host: string) => string
}

export type Verified = Witness<'verified', { readonly agent: Agent }>
export type Classified = Witness<'classified', {
  readonly call: Call
  readonly target: Target
  readonly headers: RequestHeaders
  /** Media that goes upstream as it comes, and the content type of a multipart upload that was framed anew. */
  readonly stream?: Readable
  readonly contentType?: string
  readonly session?: SessionUse
}>
export type Unlocked = Witness<'unlocked', { readonly at: number }>
export type Decided = Witness<'decided', { readonly decision: Decision }>
export type Granted = Witness<'granted', { readonly kind: 'not-needed' } | { readonly kind: 'approval', readonly approval: string, readonly digest: string } | { readonly kind: 'session', readonly approval: string } | { readonly kind: 'receipt', readonly approval: string, readonly digest: string, readonly answer: StoredAnswer }>
export type Credential = Witness<'credential', { readonly authorization: string | undefined, readonly principal: string }>
export type Claimed = Witness<'claimed', { readonly kind: 'not-needed' } | { readonly kind: 'claim', readonly approval: string, readonly claim: Claim, readonly dialBy: number }>
export type Intent = Witness<'intent', CallRecord>

/** A later part of a resumable upload, under the start that was judged. */
export interface SessionUse {
  readonly approval?: string
  readonly decisionHash: string
  readonly upstreamPath: string
  readonly upstreamQuery: string
}

export interface Witnesses {
  readonly verified: Verified
  readonly classified: Classified
  readonly unlocked: Unlocked
  readonly decided: Decided
  readonly granted: Granted
  readonly credential: Credential
  readonly claimed: Claimed
  readonly intent: Intent
}

export interface Passage {
  readonly arrival: Arrival
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Epoch ms and monotonic ms of the arrival. */
  readonly at: number
  readonly startedAt: number
  readonly mode: Mode
  readonly isolation: IsolationLevel
  /** What records say; guards add to it as they learn. */
  readonly facts: { -readonly [K in keyof CallFacts]: CallFacts[K] }
  /** Bodies to keep beside the record, already masked. */
  readonly bodies: RecordBody[]
  /** Where telemetry is on. */
  readonly trace: CallTrace | undefined
  heldMs: number
  requestBytes: number
  /** The client went away before an answer was complete. */
  gone: boolean
  /** The approval whose claim another connection won; it is waited for, not claimed. */
  lostClaim?: string
  /** What the resource's state was when it was read for this call, and what an approver is told of it. */
  stateHash?: string
  state?: StateFacts
  /** The IAM policy that was read to judge what a change of it adds and removes. */
  inForce?: OwnRead
  /** The call before the gateway bound it to that state: a released hold begins again with it. */
  unbound?: Classified
  /** Times that a released hold has begun again. */
  rounds: number
}

/** A verdict of a guard: its witness, a refusal, or the order to begin again after a released hold. */
export const AGAIN: unique symbol = Symbol('again')
export type Verdict<W> = W | Refusal | typeof AGAIN
