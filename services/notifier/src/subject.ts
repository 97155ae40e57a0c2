/** What messages are about, as the notifier knows it from facts alone. Pure: `(before, fact) → after`; facts come twice and in any order. */
import type { EventData } from '@lockkeeper/domain/events'
import type { Mode } from '@lockkeeper/domain'
import type { GrantSubject } from './grant-subject.ts'
import type { NoticeSubject } from './notice-subject.ts'

type ApprovalFactType = 'approval.requested' | 'approval.approved' | 'approval.denied' | 'approval.expired' | 'approval.cancelled' | 'approval.claimed' | 'approval.completed' | 'approval.escalated'
type Fact = { readonly [T in ApprovalFactType]: { readonly type: T, readonly data: EventData<T> } }[ApprovalFactType]
/** A fact and its event's time, epoch ms. */
export type TimedFact = Fact & { readonly at: number }

export type Standing =
  | { readonly state: 'pending' }
  | { readonly state: 'approved', readonly by: readonly string[] }
  | { readonly state: 'denied', readonly by: string, readonly reason?: string }
  | { readonly state: 'expired' }
  | { readonly state: 'cancelled', readonly why: string }
  | { readonly state: 'running' }
  | { readonly state: 'not-sent', readonly why: string }
  | { readonly state: 'done', readonly status?: number }
  | { readonly state: 'unknown', readonly why: string }

export type Asked = EventData<'approval.requested'>

export interface ApprovalSubject {
  readonly kind: 'approval'
  readonly id: string
  readonly mode: Mode
  readonly agent: string
  readonly run: string
  readonly method: string
  readonly expiresAt: number
  /** Absent until `approval.requested` has come. */
  readonly asked?: Asked
  /** Who may decide since nobody did in time. */
  readonly escalated?: Pick<EventData<'approval.escalated'>, 'reviewers' | 'to'>
  readonly standing: Standing
  /** Who approved, kept when it runs, and when that was; 0: nobody yet. */
  readonly approvedBy: readonly string[]
  readonly approvedAt: number
  /** Approved by one person at once; a review follows. */
  readonly breakGlass: boolean
  /** Time and weight of the fact that the standing comes from: a later fact wins, of equal times the heavier. */
  readonly standingAt: number
  readonly weight: number
  /** Grows with each change that a message shows. */
  readonly revision: number
}

export interface LockSubject {
  readonly kind: 'lock'
  readonly id: string
  readonly revision: 1
  readonly lock: EventData<'lock.changed'>
  readonly at: number
}

/** What break-glass leaves: open until another person has looked at it. */
export interface ReviewSubject {
  readonly kind: 'review'
  readonly id: string
  readonly revision: number
  readonly opened?: EventData<'review.opened'>
  readonly closed?: EventData<'review.closed'>
  readonly at: number
}
export type ReviewFact = { readonly at: number } & ({ readonly type: 'review.opened', readonly data: EventData<'review.opened'> } | { readonly type: 'review.closed', readonly data: EventData<'review.closed'> })

/** A decision that changed nothing. */
export interface RefusalSubject {
  readonly kind: 'refusal'
  readonly id: string
  readonly revision: 1
  readonly refused: EventData<'decision.refused'>
  /** Where it was clicked, so that whoever did so can be told there. */
  readonly click?: { readonly channel: string, readonly conversation: string, readonly member: string }
  readonly at: number
}

/** One rule asks more than its share. */
export interface FatigueSubject {
  readonly kind: 'fatigue'
  readonly id: string
  readonly revision: 1
  readonly noticed: EventData<'fatigue.noticed'>
  readonly at: number
}

export type Subject = ApprovalSubject | LockSubject | ReviewSubject | GrantSubject | NoticeSubject | RefusalSubject | FatigueSubject

/** In the order in which one request can pass through them. */
const WEIGHTS: Readonly<Record<ApprovalFactType, number>> = {
  'approval.escalated': -1, 'approval.requested': 0, 'approval.approved': 1, 'approval.claimed': 2, 'approval.completed': 3, 'approval.denied': 4, 'approval.expired': 4, 'approval.cancelled': 4,
}

/** No decision can change it any more; `unknown` may still become `done`. */
const FINAL: ReadonlySet<Standing['state']> = new Set(['denied', 'expired', 'cancelled', 'done', 'unknown'])

export function isFinal({ standing }: Pick<ApprovalSubject, 'standing'>): boolean {
  return FINAL.has(standing.state)
}

export function applyFact(before: ApprovalSubject | undefined, fact: TimedFact): ApprovalSubject {
  const { approval, mode, agent, run, method, expiresAt } = fact.data
  const known: ApprovalSubject = before ?? {
    kind: 'approval', id: approval, mode, agent, run, method, expiresAt, standing: { state: 'pending' }, approvedBy: [], approvedAt: 0, breakGlass: false, standingAt: 0, weight: -1, revision: 0,
  }
  const weight = WEIGHTS[fact.type]
  const told = keepWords(known, fact)
  if (fact.type === 'approval.escalated') return told
  if (fact.at < known.standingAt || (fact.at === known.standingAt && weight <= known.weight) || (fact.type === 'approval.requested' && known.weight >= 0)) return told
  const standing = standingOf(fact)
  // What has ended does not begin again: only the end itself can be known better.
  if (isFinal(known) && !FINAL.has(standing.state)) return told
  return { ...told, standing, standingAt: fact.at, weight, revision: told.revision === known.revision ? known.revision + 1 : told.revision }
}

/** What was asked, and who approved, is worth knowing also where the fact comes late. */
function keepWords(known: ApprovalSubject, fact: TimedFact): ApprovalSubject {
  if (fact.type === 'approval.requested' && known.asked === undefined) return { ...known, asked: fact.data, expiresAt: fact.data.expiresAt, revision: known.revision + 1 }
  if (fact.type === 'approval.approved' && fact.at > known.approvedAt) return { ...known, approvedBy: fact.data.by, approvedAt: fact.at, breakGlass: fact.data.breakGlass === true, revision: known.revision + 1 }
  if (fact.type === 'approval.escalated' && known.escalated === undefined) return { ...known, escalated: { reviewers: fact.data.reviewers, to: fact.data.to }, revision: known.revision + 1 }
  return known
}

export function applyReview(before: ReviewSubject | undefined, id: string, fact: ReviewFact): ReviewSubject {
  const known: ReviewSubject = before ?? { kind: 'review', id, revision: 0, at: fact.at }
  if (fact.type === 'review.opened') return known.opened === undefined ? { ...known, opened: fact.data, revision: known.revision + 1 } : known
  return known.closed === undefined ? { ...known, closed: fact.data, revision: known.revision + 1 } : known
}

function standingOf(fact: Exclude<Fact, { type: 'approval.escalated' }>): Standing {
  switch (fact.type) {
    case 'approval.requested': return { state: 'pending' }
    case 'approval.approved': return { state: 'approved', by: fact.data.by }
    case 'approval.denied': return { state: 'denied', by: fact.data.by, ...fact.data.reason === undefined ? {} : { reason: fact.data.reason } }
    case 'approval.expired': return { state: 'expired' }
    case 'approval.cancelled': return { state: 'cancelled', why: fact.data.why }
    case 'approval.claimed': return { state: 'running' }
    case 'approval.completed': return completed(fact.data)
  }
}

function completed({ outcome, status, why = '' }: EventData<'approval.completed'>): Standing {
  if (outcome === 'answered') return { state: 'done', ...status === undefined ? {} : { status } }
  return outcome === 'not_sent' ? { state: 'not-sent', why } : { state: 'unknown', why }
}
