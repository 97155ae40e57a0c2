/** One approval request from its birth to its end: plain data, changed only by state-machine.ts. */
import type { ErrorReason } from '@lockkeeper/domain/errors'
import type { EventData, EventType, GrantPattern } from '@lockkeeper/domain/events'
import type { Agent, ApprovalTerms, Mode, PersonId } from '@lockkeeper/domain'
import type { AttachKey } from '@lockkeeper/domain/ports'

export interface Vote {
  readonly person: PersonId
  readonly verdict: 'approve' | 'deny'
  readonly reason?: string
  readonly at: number
  readonly proof: 'terminal' | 'idToken' | 'slack' | 'passkey'
  /** Groups that the person's own identity provider named with this vote, see RoutingRights.outsideGroups. */
  readonly groups?: readonly string[]
  /** Approves calls like this one too. */
  readonly grant?: GrantPattern
  /** Approves at once and alone. */
  readonly breakGlass?: true
}

/** Which use of which grant a case is. */
export interface GrantUse { readonly id: string, readonly use: number }

/** Where the stored answer lies: a key of the BlobStore. */
export interface StoredReceipt { readonly blob: string, readonly until: number }

export type CaseState =
  | { readonly state: 'pending' }
  | { readonly state: 'approved', readonly approvedAt: number }
  | { readonly state: 'denied', readonly settledAt: number, readonly by: PersonId, readonly reason?: string }
  | { readonly state: 'expired', readonly settledAt: number, readonly from: 'pending' | 'approved' }
  | { readonly state: 'cancelled', readonly settledAt: number, readonly refusal: ErrorReason, readonly why: string }
  | { readonly state: 'claimed', readonly fence: string, readonly holder: string, readonly claimedAt: number, readonly claimUntil: number }
  | { readonly state: 'answered', readonly claimedAt: number, readonly settledAt: number, readonly fence: string, readonly status: number, readonly delivered: boolean, readonly receipt?: StoredReceipt, readonly receiptUntil?: number, /** How it was known to have run although its answer was lost. */ readonly evidence?: string }
  | { readonly state: 'unknown', readonly claimedAt: number, readonly settledAt: number, readonly fence: string, readonly why: string }

/** What happened before to the same call, for the card. */
export interface Earlier {
  readonly approval: string
  readonly at: number
  readonly state: 'denied' | 'expired' | 'cancelled' | 'answered' | 'unknown'
  readonly status?: number
  readonly why?: string
  readonly agent: string
  readonly run: string
  /** What is not as it was, in words. */
  readonly changed: readonly string[]
}

/** Who asks, as far as it decides who may not approve. */
export type Requester = Pick<Agent, 'issuer' | 'subject' | 'id' | 'run' | 'sponsor' | 'sponsorPerson' | 'chain'>

export interface ApprovalCase {
  readonly id: string
  readonly attach: AttachKey
  readonly attachHash: string
  readonly digest: string
  readonly decisionHash: string
  readonly stateHash?: string
  readonly rule: string
  readonly method: string
  readonly target: string
  /** The first 20. */
  readonly resources: readonly string[]
  readonly summary: string
  /** Absent in cases from before it was kept. */
  readonly risk?: string
  /** Whether a message could show all of it; absent: no. */
  readonly shownWhole?: boolean
  readonly requester: Requester
  readonly mode: Mode
  readonly returnsSecret: boolean
  readonly terms: Pick<ApprovalTerms, 'reviewers' | 'quorum' | 'reasonRequired' | 'escalate' | 'patterns' | 'breakGlass'>
  readonly at: number
  /** W3C trace context of the request, where it was traced. */
  readonly traceparent?: string
  readonly expiresAt: number
  readonly earlier?: Earlier
  /** How the call differs from the last one of the same method in the same run. */
  readonly differences?: { readonly from: string, readonly lines: readonly string[] }
  /** Epoch ms at which more persons were asked. */
  readonly escalatedAt?: number
  /** Approved as a use of this grant, whose votes it has. */
  readonly grant?: GrantUse
  readonly votes: readonly Vote[]
  /** Claims so far; the newest fence is `ID.fences`. */
  readonly fences: number
  /** Why the last claim was given back, where it was. */
  readonly notSent?: { readonly at: number, readonly why: string }
  /** Grows with each transition; names its facts. */
  readonly revision: number
  /** True once settled long ago; nothing but its mark is kept. */
  readonly retired: boolean
  readonly state: CaseState
}

type ApprovalEvent = Extract<EventType, `approval.${string}`>
type Common = 'approval' | 'agent' | 'run' | 'method' | 'resources' | 'mode' | 'expiresAt'
/** A fact without what every fact of a case repeats, and without whom persons are asked for: that is known where people are. */
export type Fact = { readonly [T in ApprovalEvent]: { readonly type: T, readonly data: Omit<EventData<T>, Common | (T extends 'approval.escalated' ? 'reviewers' | 'quorum' : never)> } }[ApprovalEvent]

const SETTLED: ReadonlySet<CaseState['state']> = new Set(['denied', 'expired', 'cancelled', 'answered', 'unknown'])

export type SettledState = Extract<CaseState, { settledAt: number }>
export function isSettled(state: CaseState): state is SettledState {
  return SETTLED.has(state.state)
}
