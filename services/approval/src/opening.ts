/** Whether a request joins a live case or opens its own, and what that writes. Pure: decided inside the transaction. */
import { attachHash } from '@lockkeeper/domain/digest'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { AccessRequest, Write } from '@lockkeeper/domain/ports'
import { isSettled, type ApprovalCase, type CaseState, type Fact } from './approval-case.ts'
import { caseWrites } from './case-store.ts'
import { aliases, KEEP_MS, type Run } from './collections.ts'
import { factEvents } from './facts.ts'
import { earlierOf, newCase } from './new-case.ts'
import type { Route } from './routing.ts'
import { transition, type Step } from './state-machine.ts'

export interface OpeningFacts {
  readonly route: Route
  /** Requests of this agent that wait already, and how many may. */
  readonly pending: number
  readonly pendingPerAgent: number
  /** The newest case under the same attach key. */
  readonly existing?: ApprovalCase
  /** A case that has this very id already. */
  readonly own?: ApprovalCase
  /** The last run of the same digest. */
  readonly run?: Run
  readonly differences?: ApprovalCase['differences']
}

export interface Opening {
  readonly kind: 'known' | 'shared' | 'opened' | 'id-taken'
  /** Somebody may still decide it. */
  readonly pending: boolean
  readonly writes: readonly Write[]
  readonly facts: readonly CloudEvent[]
}

/** Shares the live case of the same key, or opens a new one, ending an older one that no longer holds. */
export function openCase(request: AccessRequest, given: OpeningFacts, now: number): Opening {
  const { own, existing, route, differences } = given
  if (own !== undefined) return { kind: own.attachHash === attachHash(request.attach) ? 'known' : 'id-taken', pending: false, writes: [], facts: [] }
  const older = existing === undefined ? undefined : endOlder(existing, request, now)
  if (older === 'shared') {
    const alias: Write = { kind: 'put', ref: { collection: aliases, id: request.id }, data: { approval: existing?.id ?? '', deleteAt: now + KEEP_MS } }
    return { kind: 'shared', pending: false, writes: [alias], facts: [] }
  }
  const opened: ApprovalCase = { ...newCase(request, now, firstState(given, now), earlierOf(request, older?.next, given.run)), ...differences === undefined ? {} : { differences } }
  const timed = transition(opened, { kind: 'tick' }, now) as Step
  return {
    kind: 'opened', pending: timed.next.state.state === 'pending',
    writes: [...older === undefined ? [] : caseWrites(older.next), ...caseWrites(timed.next)],
    facts: [...older === undefined ? [] : factEvents(older.next, older.facts, now), ...factEvents(timed.next, [firstFact(opened, route), ...timed.facts], now)],
  }
}

/** `shared`: the older case still answers for this call. Otherwise its last step. */
function endOlder(existing: ApprovalCase, request: AccessRequest, now: number): Step | 'shared' {
  const timed = transition(existing, { kind: 'tick' }, now) as Step
  const { state } = timed.next
  // Asked before it was settled, or while its answer can still be read: the same wait.
  if (isSettled(state)) return request.at <= state.settledAt || (state.state === 'answered' && state.receipt !== undefined) ? 'shared' : timed
  const holds = existing.decisionHash === request.decision.hash && (existing.stateHash ?? '') === (request.stateHash ?? '')
  if (holds || state.state === 'claimed') return 'shared'
  const why = `The rule or the resource changed while ${existing.id} waited; ${request.id} asks again.`
  return transition(existing, { kind: 'cancel', refusal: 'STATE_CHANGED', why }, now) as Step
}

function firstState({ route: { unroutable }, pending, pendingPerAgent }: OpeningFacts, now: number): CaseState {
  if (unroutable !== undefined) return { state: 'cancelled', settledAt: now, refusal: 'APPROVAL_UNROUTABLE', why: `No one may approve the call. ${unroutable}` }
  if (pending < pendingPerAgent) return { state: 'pending' }
  return { state: 'cancelled', settledAt: now, refusal: 'TOO_MANY_PENDING', why: `The agent has ${pending} calls waiting for approval. Nothing has run; have some decided first.` }
}

function firstFact({ state, summary }: ApprovalCase, { eligible, quorum }: Route): Fact {
  if (state.state === 'cancelled') return { type: 'approval.cancelled', data: { why: state.why } }
  return { type: 'approval.requested', data: { reviewers: [...eligible], quorum, summary } }
}
