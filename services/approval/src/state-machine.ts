/**
 * Every change of a case: `(case, command, now) → Step | Refusal`, pure. Nothing else writes a case.
 * Time is looked at first, so that no command acts on a state that has ended: an expired request is never approved,
 * a claim past its end is never completed as `not_sent`. A Refusal changes nothing; a Step may refuse and change at once.
 */
import { equalInConstantTime } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type ErrorReason, type Refusal } from '@lockkeeper/domain/errors'
import type { Lock } from '@lockkeeper/domain'
import { isSettled, type ApprovalCase, type CaseState, type Fact, type GrantUse, type Vote } from './approval-case.ts'
import { instant, refusalOf } from './outcome-texts.ts'
import { tally, type Electorate } from './votes.ts'

/** Ms from settling until a case retires: its mark stays, the rest goes. */
const LINGER_MS = 3_600_000

export interface ReceiptWindows {
  /** Ms while an answer that was never delivered whole can be read, default 600,000. */
  readonly undeliveredMs: number
  /** Ms while a delivered one can be read again, default 60,000. */
  readonly deliveredMs: number
}

export type Completion =
  | { readonly kind: 'not_sent', readonly why: string }
  | { readonly kind: 'answered', readonly status: number, readonly delivered: boolean, readonly blob?: string, readonly evidence?: string }
  | { readonly kind: 'unknown', readonly why: string }

export type Command =
  | { readonly kind: 'tick' }
  | { readonly kind: 'vote', readonly vote: Vote, readonly digest: string, readonly electorate: Electorate, readonly glass?: Electorate, readonly lock?: Lock }
  /** Approves it as a use of a grant that was given to a call like it. */
  | { readonly kind: 'cover', readonly use: GrantUse, readonly votes: readonly Vote[], readonly until: number, readonly escalatedAt?: number, readonly electorate: Electorate, readonly lock?: Lock }
  /** `ended`: why the grant that it is a use of is over, where it is. */
  | { readonly kind: 'claim', readonly attachHash: string, readonly decisionHash: string, readonly stateHash?: string, readonly holder: string, readonly electorate: Electorate, readonly glass?: Electorate, readonly ended?: string, readonly lock?: Lock, readonly claimMs: number }
  | { readonly kind: 'complete', readonly fence: string, readonly outcome: Completion, readonly windows: ReceiptWindows }
  | { readonly kind: 'deliver', readonly attachHash: string, readonly windows: ReceiptWindows }
  | { readonly kind: 'cancel', readonly refusal: ErrorReason, readonly why: string }
  | { readonly kind: 'revoke', readonly by: string, readonly why: string }

export interface Step {
  readonly next: ApprovalCase
  readonly facts: readonly Fact[]
  /** The command was refused although the case changed. */
  readonly refused?: Refusal
  /** Stored answers that nobody may read any more. */
  readonly dropped?: readonly string[]
}

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>

export function transition(current: ApprovalCase, command: Command, now: number): Step | Refusal {
  const timed = passTime({ next: current, facts: [] }, now)
  const outcome = apply(timed.next, command, now)
  if (isRefusal(outcome)) return timed.next === current ? outcome : { ...timed, refused: outcome }
  return passTime({
    ...outcome,
    facts: [...timed.facts, ...outcome.facts],
    dropped: [...timed.dropped ?? [], ...outcome.dropped ?? []],
  }, now)
}

/** Epoch ms at which time itself changes the case next; Infinity once retired. */
export function dueAt(current: ApprovalCase): number {
  const { state, expiresAt } = current
  if (state.state === 'pending') return Math.min(expiresAt, escalatesAt(current))
  if (state.state === 'approved') return expiresAt
  if (state.state === 'claimed') return state.claimUntil
  if (state.state === 'answered' && state.receipt !== undefined) return state.receipt.until
  return retiresAt(current)
}

/** Epoch ms at which more persons are asked; Infinity where nobody is, or has been. */
function escalatesAt({ at, terms, escalatedAt }: ApprovalCase): number {
  return terms.escalate === undefined || escalatedAt !== undefined ? Number.POSITIVE_INFINITY : at + terms.escalate.afterMs
}

/** Epoch ms at which a settled case without a receipt retires; Infinity while that is not to be said, or has been. */
export function retiresAt({ state, retired }: ApprovalCase): number {
  if (retired || !isSettled(state) || (state.state === 'answered' && state.receipt !== undefined)) return Number.POSITIVE_INFINITY
  return state.settledAt + LINGER_MS
}

function passTime(step: Step, now: number): Step {
  let passed = step
  while (now >= dueAt(passed.next)) passed = passOne(passed, now)
  return passed
}

function passOne(step: Step, now: number): Step {
  const { next } = step
  const { state } = next
  const then = (to: CaseState, fact: Fact): Step => ({ ...step, next: move(next, to), facts: [...step.facts, fact] })
  if (state.state === 'pending' && escalatesAt(next) < next.expiresAt) {
    return { ...step, next: { ...next, escalatedAt: now, revision: next.revision + 1 }, facts: [...step.facts, { type: 'approval.escalated', data: { to: [...next.terms.escalate?.reviewers ?? []], summary: next.summary } }] }
  }
  if (state.state === 'pending' || state.state === 'approved') {
    return then({ state: 'expired', settledAt: now, from: state.state }, { type: 'approval.expired', data: {} })
  }
  if (state.state === 'claimed') {
    const why = `${state.holder} claimed it at ${instant(state.claimedAt)} and was silent past the end of its claim`
    return then({ state: 'unknown', claimedAt: state.claimedAt, settledAt: now, fence: state.fence, why }, { type: 'approval.completed', data: { outcome: 'unknown', why } })
  }
  if (state.state === 'answered' && state.receipt !== undefined) return dropReceipt(step)
  return { ...step, next: { ...next, retired: true, revision: next.revision + 1 } }
}

function apply(current: ApprovalCase, command: Command, now: number): Step | Refusal {
  switch (command.kind) {
    case 'tick': return { next: current, facts: [] }
    case 'vote': return vote(current, command, now)
    case 'cover': return cover(current, command, now)
    case 'claim': return claim(current, command, now)
    case 'complete': return complete(current, command, now)
    case 'deliver': return deliver(current, command, now)
    case 'cancel': return cancel(current, command, now)
    case 'revoke': return revoke(current, command, now)
  }
}

function vote(current: ApprovalCase, { vote: cast, digest, electorate, glass, lock }: Of<'vote'>, now: number): Step | Refusal {
  const { state } = current
  const breaks = cast.breakGlass === true
  if (!equalInConstantTime(digest, current.digest)) return refuse('STATE_CHANGED', `The decision names another call than ${current.id}.`)
  if ((breaks ? glass : electorate)?.eligible.has(cast.person) !== true) return refuse('POLICY_DENIED', breaks ? `${cast.person} may not break the glass for ${current.id}: the rule does not name them, or they are disabled or its requester.` : `${cast.person} may not decide ${current.id}: not a reviewer of it, disabled, or its requester.`)
  if (state.state !== 'pending' && !(state.state === 'approved' && cast.verdict === 'deny')) return refusalOf(current)
  if (lock !== undefined) return refuse('AGENT_LOCKED', `${current.id} is frozen by ${lock.id}; nothing is decided while it is locked.`)
  if ((current.terms.reasonRequired || breaks) && (cast.reason ?? '').trim() === '') return refuse('REQUEST_INVALID', breaks ? 'Breaking the glass wants a reason.' : `The rule ${current.rule} wants a reason with each decision.`)
  const votes = [...current.votes.filter(({ person }) => person !== cast.person), cast]
  if (cast.verdict === 'deny') {
    return { next: move({ ...current, votes }, { state: 'denied', settledAt: now, by: cast.person, reason: cast.reason }), facts: [{ type: 'approval.denied', data: { by: cast.person, reason: cast.reason } }] }
  }
  if (current.votes.some(({ person, breakGlass }) => person === cast.person && (breakGlass === true || !breaks))) return refuse('REQUEST_INVALID', `${cast.person} has approved ${current.id} already; a person counts once.`)
  const { passed, by, breakGlass } = tally(votes, electorate, glass)
  if (!passed) return { next: { ...current, votes, revision: current.revision + 1 }, facts: [] }
  return { next: move({ ...current, votes }, { state: 'approved', approvedAt: now }), facts: [{ type: 'approval.approved', data: { by: [...by], ...breakGlass ? { breakGlass } : {} } }] }
}

function cover(current: ApprovalCase, { use, votes, until, escalatedAt, electorate, lock }: Of<'cover'>, now: number): Step | Refusal {
  if (current.state.state !== 'pending') return refusalOf(current)
  if (lock !== undefined) return refuse('AGENT_LOCKED', `${current.id} is frozen by ${lock.id}; nothing is decided while it is locked.`)
  const { passed, by } = tally(votes, electorate, undefined)
  if (!passed) return refuse('POLICY_DENIED', `Those who gave the grant may not approve ${current.id}.`)
  const next = { ...current, votes, grant: use, expiresAt: Math.min(current.expiresAt, until), ...escalatedAt === undefined ? {} : { escalatedAt } }
  return { next: move(next, { state: 'approved', approvedAt: now }), facts: [{ type: 'approval.approved', data: { by: [...by], grant: use } }] }
}

function claim(current: ApprovalCase, command: Of<'claim'>, now: number): Step | Refusal {
  if (!equalInConstantTime(command.attachHash, current.attachHash)) return refuse('NOT_FOUND', 'There is no such approval for this agent, run and call.')
  if (current.state.state !== 'approved') return refusalOf(current)
  if (command.lock !== undefined) return refuse('AGENT_LOCKED', `${command.lock.id} stops this call: ${command.lock.reason}`)
  const changed = whatChanged(current, command)
  if (changed !== undefined) return cancelled(current, 'STATE_CHANGED', changed, now)
  const fences = current.fences + 1
  const fence = `${current.id}.${fences}`
  const state: CaseState = { state: 'claimed', fence, holder: command.holder, claimedAt: now, claimUntil: now + command.claimMs }
  return { next: move({ ...current, fences }, state), facts: [{ type: 'approval.claimed', data: { fence, holder: command.holder } }] }
}

function whatChanged(current: ApprovalCase, command: Of<'claim'>): string | undefined {
  if (!equalInConstantTime(command.decisionHash, current.decisionHash)) return 'The rule or its obligations changed since the approval was asked for.'
  if ((command.stateHash ?? '') !== (current.stateHash ?? '')) return 'The resource changed since the approval was asked for.'
  if (!tally(current.votes, command.electorate, command.glass).passed) return 'Someone who approved may no longer approve it.'
  return command.ended
}

function complete(current: ApprovalCase, { fence, outcome, windows }: Of<'complete'>, now: number): Step | Refusal {
  const { state } = current
  const same: Step = { next: current, facts: [] }
  if (state.state === 'approved' && outcome.kind === 'not_sent' && fence === `${current.id}.${current.fences}`) return same
  if (!('fence' in state) || state.fence !== fence) return refuse('STATE_CHANGED', `The fence is not the current one of ${current.id}.`)
  if (state.state === outcome.kind) return same
  if (outcome.kind === 'answered' && state.state !== 'answered') return answer(current, state, outcome, windows, now)
  if (state.state !== 'claimed' || outcome.kind === 'answered') return refusalOf(current)
  const { why } = outcome
  const facts: readonly Fact[] = [{ type: 'approval.completed', data: { outcome: outcome.kind, why } }]
  if (outcome.kind === 'unknown') return { next: move(current, { state: 'unknown', claimedAt: state.claimedAt, settledAt: now, fence, why }), facts }
  return { next: move({ ...current, notSent: { at: now, why } }, { state: 'approved', approvedAt: now }), facts }
}

function answer(current: ApprovalCase, { fence, claimedAt }: Extract<CaseState, { state: 'claimed' | 'unknown' }>, outcome: Extract<Completion, { kind: 'answered' }>, windows: ReceiptWindows, now: number): Step {
  const { status, delivered, blob, evidence } = outcome
  const until = now + (delivered ? windows.deliveredMs : windows.undeliveredMs)
  const kept = blob === undefined ? {} : { receipt: { blob, until }, receiptUntil: until }
  const found = evidence === undefined ? {} : { evidence }
  return {
    next: move(current, { state: 'answered', claimedAt, settledAt: now, fence, status, delivered, ...kept, ...found }),
    facts: [{ type: 'approval.completed', data: { outcome: 'answered', status, ...evidence === undefined ? {} : { why: evidence } } }],
  }
}

function deliver(current: ApprovalCase, { attachHash, windows }: Of<'deliver'>, now: number): Step | Refusal {
  if (!equalInConstantTime(attachHash, current.attachHash)) return refuse('NOT_FOUND', 'There is no such approval for this agent, run and call.')
  const { state } = current
  if (state.state !== 'answered' || state.receipt === undefined || state.delivered) return { next: current, facts: [] }
  const until = Math.min(state.receipt.until, now + windows.deliveredMs)
  return { next: move(current, { ...state, delivered: true, receipt: { ...state.receipt, until }, receiptUntil: until }), facts: [] }
}

function cancel(current: ApprovalCase, { refusal, why }: Of<'cancel'>, now: number): Step | Refusal {
  if (current.state.state !== 'pending' && current.state.state !== 'approved') return refusalOf(current)
  return { ...cancelled(current, refusal, why, now), refused: undefined }
}

function revoke(current: ApprovalCase, { by, why }: Of<'revoke'>, now: number): Step | Refusal {
  const { state } = current
  if (state.state === 'answered' && state.receipt !== undefined) return dropReceipt({ next: current, facts: [] }, now)
  return cancel(current, { kind: 'cancel', refusal: 'STATE_CHANGED', why: `Revoked by ${by}: ${why}` }, now)
}

function cancelled(current: ApprovalCase, refusal: ErrorReason, why: string, now: number): Step {
  const next = move(current, { state: 'cancelled', settledAt: now, refusal, why })
  return { next, facts: [{ type: 'approval.cancelled', data: { why } }], refused: refusalOf(next) }
}

/** `endsAt` only when it ends before its time. */
function dropReceipt(step: Step, endsAt?: number): Step {
  const { state } = step.next
  if (state.state !== 'answered' || state.receipt === undefined) return step
  const { receipt, ...rest } = state
  const next = move(step.next, endsAt === undefined ? rest : { ...rest, receiptUntil: endsAt })
  return { ...step, next, dropped: [...step.dropped ?? [], receipt.blob] }
}

function move(current: ApprovalCase, state: CaseState): ApprovalCase {
  return { ...current, state, revision: current.revision + 1 }
}
