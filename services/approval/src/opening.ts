/** Whether a request joins a live case or opens its own, and what that writes. Pure: decided inside the transaction. */
import { attachHash } from '@lockkeeper/domain/digest'
import type { CloudEvent, ShownCall } from '@lockkeeper/domain/events'
import type { AccessRequest, Write } from '@lockkeeper/domain/ports'
import { isSettled, type ApprovalCase, type CaseState, type Fact, type SettledState } from './approval-case.ts'
import { caseWrites } from './case-store.ts'
import type { Price } from './card-effect.ts'
import { aliases, KEEP_MS, type Run } from './collections.ts'
import { factEvents } from './facts.ts'
import type { Cover } from './grant-cover.ts'
import { useFacts, useWrites } from './grants.ts'
import { earlierOf, newCase } from './new-case.ts'
import type { Route, RoutingRights } from './routing.ts'
import { shownCall } from './shown-call.ts'
import { transition, type Step } from './state-machine.ts'

/** Ms that a request may be overtaken by the end of the wait that it belongs to. */
const OVERTAKEN_MS = 5_000

export interface OpeningFacts {
  readonly rights: RoutingRights
  readonly route: Route
  /** A grant that covers the call, as it is in this transaction, and the use that it takes. */
  readonly cover?: Cover
  /** Requests of this agent that wait already, and how many may. */
  readonly pending: number
  readonly pendingPerAgent: number
  /** The trace that the request belongs to. */
  readonly traceparent?: string | undefined
  /** The newest case under the same attach key. */
  readonly existing?: ApprovalCase
  /** A case that has this very id already. */
  readonly own?: ApprovalCase
  /** The last run of the same digest. */
  readonly run?: Run
  readonly differences?: ApprovalCase['differences']
  readonly price?: Price | undefined
  /** When the latest lock on this agent, run or target was set: answers from before it are not read any more. */
  readonly lockedAt: number
}

export interface Opening {
  readonly kind: 'known' | 'shared' | 'opened' | 'id-taken'
  /** It can still run, so that its request must be kept. */
  readonly open: boolean
  /** Persons are asked to decide it. */
  readonly asked: boolean
  readonly writes: readonly Write[]
  readonly facts: readonly CloudEvent[]
}

/** Shares the live case of the same key, or opens a new one, ending an older one that no longer holds. */
export function openCase(request: AccessRequest, given: OpeningFacts, now: number): Opening {
  const { own, existing, route, differences, rights, cover } = given
  if (own !== undefined) return { kind: own.attachHash === attachHash(request.attach) ? 'known' : 'id-taken', open: false, asked: false, writes: [], facts: [] }
  const older = existing === undefined ? undefined : endOlder(existing, request, given.lockedAt, now)
  if (older === 'shared') {
    const alias: Write = { kind: 'put', ref: { collection: aliases, id: request.id }, data: { approval: existing?.id ?? '', deleteAt: now + KEEP_MS } }
    return { kind: 'shared', open: false, asked: false, writes: [alias], facts: [] }
  }
  const earlier = earlierOf(request, older?.next, given.run)
  const shown = shownCall(request, earlier, given.price)
  const fresh: ApprovalCase = { ...newCase(request, now, firstState(given, now), earlier), shownWhole: shown.whole, ...differences === undefined ? {} : { differences }, ...given.traceparent === undefined ? {} : { traceparent: given.traceparent } }
  const opened = cover === undefined ? fresh : coveredBy(fresh, cover)
  const timed = transition(opened, { kind: 'tick' }, now) as Step
  return {
    kind: 'opened', asked: timed.next.state.state === 'pending', open: timed.next.state.state === 'pending' || timed.next.state.state === 'approved',
    writes: [
      ...older === undefined ? [] : caseWrites(older.next), ...caseWrites(timed.next),
      ...cover === undefined ? [] : useWrites(cover.grant, cover.use, opened, now),
    ],
    facts: [...older === undefined ? [] : factEvents(older.next, older.facts, now, rights), ...factEvents(timed.next, [firstFact(opened, shown, route), ...timed.facts], now, rights), ...cover === undefined ? [] : useFacts(cover.grant, cover.use, now)],
  }
}

/** Nobody is asked: those who gave the grant have approved this call with it. */
function coveredBy(fresh: ApprovalCase, { grant: { id, votes, until, escalatedAt }, use }: Cover): ApprovalCase {
  return { ...fresh, votes, grant: { id, use }, expiresAt: Math.min(fresh.expiresAt, until), ...escalatedAt === undefined ? {} : { escalatedAt } }
}

/** `shared`: the older case still answers for this call. Otherwise its last step. */
function endOlder(existing: ApprovalCase, request: AccessRequest, lockedAt: number, now: number): Step | 'shared' {
  const timed = transition(existing, { kind: 'tick' }, now) as Step
  const { state } = timed.next
  if (isSettled(state)) return isSameWait(state, request, now) || isReadable(state, lockedAt) ? 'shared' : timed
  const holds = existing.decisionHash === request.decision.hash && (existing.stateHash ?? '') === (request.stateHash ?? '')
  if (holds || state.state === 'claimed') return 'shared'
  const why = `The rule or the resource changed while ${existing.id} waited; ${request.id} asks again.`
  return transition(existing, { kind: 'cancel', refusal: 'STATE_CHANGED', why }, now) as Step
}

/** Asked before it was settled, by a proxy that could not know. Bounded, because clocks differ: later it is a new wait. */
function isSameWait({ settledAt }: SettledState, request: AccessRequest, now: number): boolean {
  return request.at < settledAt && now - settledAt < OVERTAKEN_MS
}

function isReadable(state: SettledState, lockedAt: number): boolean {
  return state.state === 'answered' && state.receipt !== undefined && lockedAt < state.claimedAt
}

function firstState({ route: { unroutable }, pending, pendingPerAgent, cover }: OpeningFacts, now: number): CaseState {
  if (cover !== undefined) return { state: 'approved', approvedAt: now }
  if (unroutable !== undefined) return { state: 'cancelled', settledAt: now, refusal: 'APPROVAL_UNROUTABLE', why: `No one may approve the call. ${unroutable}` }
  if (pending < pendingPerAgent) return { state: 'pending' }
  return { state: 'cancelled', settledAt: now, refusal: 'TOO_MANY_PENDING', why: `The agent has ${pending} calls waiting for approval. Nothing has run; have some decided first.` }
}

function firstFact({ state, summary, digest, grant, votes }: ApprovalCase, shown: ShownCall, { eligible, quorum }: Route): Fact {
  if (state.state === 'cancelled') return { type: 'approval.cancelled', data: { why: state.why } }
  if (grant !== undefined) return { type: 'approval.approved', data: { by: votes.map(({ person }) => person), grant } }
  return { type: 'approval.requested', data: { reviewers: [...eligible], quorum, summary, digest, shown } }
}
