/** What operators do, through the admin socket or the admin listener: look, decide with a proof, revoke, lock. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { ApprovalState, Lock, Mode } from '@lockkeeper/domain'
import type { DocumentStore, Page } from '@lockkeeper/domain/ports'
import type { ApprovalCase, GrantUse, Vote } from './approval-case.ts'
import type { Price } from './card-effect.ts'
import { renderCard, type Card } from './card.ts'
import type { CaseStore, ChangeContext } from './case-store.ts'
import { inbox, refusedDecisions, type InboxEntry, type RefusedDecision } from './collections.ts'
import type { Decisions } from './decisions.ts'
import { viewOf } from './facts.ts'
import { reportLoad, type LoadReport } from './load-report.ts'
import type { Locks } from './locks.ts'
import type { ReceiptBox } from './receipt-box.ts'
import type { RequestStore } from './request-store.ts'
import type { GrantAdmin } from './grant-admin.ts'
import { endGrant, grantIdOf, grantRef } from './grants.ts'
import type { Reviews } from './reviews.ts'
import { offerOf, type DecisionOffer } from './decision-offer.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import { runHistory } from './run-history.ts'
import type { Step } from './state-machine.ts'
import { listWaiting, type WaitingFilter, type WaitingPage } from './waiting-list.ts'

export interface AdminParts {
  readonly documents: DocumentStore
  readonly store: CaseStore
  readonly requestStore: RequestStore
  readonly receipts: ReceiptBox
  readonly rights: RoutingRights
  readonly decisions: Decisions
  readonly locks: Locks
  readonly grants: GrantAdmin
  readonly reviews: Reviews
  readonly mode: Mode
  readonly price: Price | undefined
  readonly now: () => number
}

export interface ListFilter {
  readonly state?: ApprovalState
  /** Agent id and run; a page may then hold fewer than `limit`. */
  readonly agent?: string
  readonly run?: string
  /** 1 to 200, default 50. */
  readonly limit?: number
  readonly cursor?: string
}

export interface ApprovalPage {
  readonly mode: Mode
  /** Newest first. */
  readonly approvals: readonly ApprovalDocument[]
  readonly cursor?: string
}

export interface ApprovalDetail {
  readonly approval: ApprovalDocument
  /** One line: method and place. Stays when the request itself is no longer kept. */
  readonly summary: string
  readonly card?: Card
  readonly votes: readonly Vote[]
  /** The grant that approved it, and which use of it this is. */
  readonly grant?: GrantUse
  /** Epoch ms at which more persons were asked. */
  readonly escalatedAt?: number
  readonly quorum: number
  readonly reviewers: readonly string[]
  /** What can be said about it beyond yes and no. */
  readonly offer: DecisionOffer
  /** Newest first, at most 50. */
  readonly refused: readonly RefusedDecision[]
  /** The lock that freezes it. */
  readonly lock?: Lock
}

export interface ApprovalAdmin extends Locks, GrantAdmin, Reviews, Pick<Decisions, 'decide'> {
  list(filter?: ListFilter): Promise<ApprovalPage>
  /** What waits, with whom it waits for. Newest first. */
  waiting(filter?: WaitingFilter): Promise<WaitingPage>
  /** NOT_FOUND where there is none. */
  show(id: string): Promise<ApprovalDetail | Refusal>
  /** Ends a request or a grant that was not used; takes back the receipt of one that was. Refused once it is being run. */
  revoke(request: { readonly id: string, readonly by: string, readonly reason: string }): Promise<ApprovalDocument | Refusal>
  /** How much was asked of whom in the last days, 1 to 90, default 7. */
  load(days?: number): Promise<LoadReport>
  /** Events that could never be handled, newest first, at most 100. */
  poisoned(): Promise<readonly InboxEntry[]>
}

export function createAdmin(parts: AdminParts): ApprovalAdmin {
  const { documents, decisions, locks, grants, reviews } = parts

  async function revoke({ id, by, reason }: { readonly id: string, readonly by: string, readonly reason: string }): Promise<ApprovalDocument | Refusal> {
    if (by.trim() === '' || reason.trim() === '') return refuse('REQUEST_INVALID', 'A revocation names who and why.')
    const who = by.slice(0, 200)
    const known = await parts.store.find(id)
    // What was given with an approval that is taken back goes with it.
    const end = ({ extra, now }: ChangeContext, { facts }: Step) => endGrant(facts.some(({ type }) => type === 'approval.cancelled') ? extra[0] : undefined, who, `${id}, with which it was given, was revoked`, now)
    const changed = await parts.store.change(id, () => ({ kind: 'revoke', by: who, why: reason.slice(0, 1000) }), {
      refs: known === undefined ? [] : [grantRef(grantIdOf(known.id))], writes: (context, step) => end(context, step).writes, facts: (context, step) => end(context, step).facts,
    })
    if (isRefusal(changed)) return changed
    for (const blob of changed.dropped ?? []) await parts.receipts.remove(blob)
    return changed.refused ?? viewOf(changed.next)
  }

  async function poisoned(): Promise<readonly InboxEntry[]> {
    const page = await documents.query(inbox, { name: 'byPoisoned', equal: { poisoned: true }, limit: 100 })
    return page.docs.map(({ data }) => data)
  }

  return { list: (filter = {}) => list(parts, filter), waiting: (filter = {}) => listWaiting(parts, filter), show: (id) => show(parts, id), decide: decisions.decide, revoke, poisoned, load: (days = 7) => reportLoad(documents, parts.rights.people, parts.now(), Math.min(90, Math.max(1, Math.trunc(days)))), ...locks, ...grants, ...reviews }
}

async function list({ documents, mode, now }: AdminParts, { state, agent, run, limit = 50, cursor }: ListFilter): Promise<ApprovalPage> {
  const page: Page<object> = await documents.query(approvals, {
    ...state === undefined ? { name: 'all', equal: { kind: 'approval' } } : { name: 'byState', equal: { state } },
    limit: Math.min(200, Math.max(1, Math.trunc(limit))), ...cursor === undefined ? {} : { cursor },
  })
  const at = now()
  const found = page.docs.map(({ data }) => ended(data as ApprovalDocument, at))
    .filter((each) => (state === undefined || each.state === state) && (agent === undefined || each.agent === agent) && (run === undefined || each.run === run))
  return { mode, approvals: found, ...page.cursor === undefined ? {} : { cursor: page.cursor } }
}

/** A request past its end is shown as expired before the sweeper has been there. */
function ended(view: ApprovalDocument, now: number): ApprovalDocument {
  const open = view.state === 'pending' || view.state === 'approved'
  return open && now >= view.expiresAt ? { ...view, state: 'expired', refusal: 'APPROVAL_EXPIRED' } : view
}

async function show(parts: AdminParts, id: string): Promise<ApprovalDetail | Refusal> {
  const looked = await parts.store.look(id)
  if (looked === undefined) return refuse('NOT_FOUND', `There is no approval ${id.slice(0, 64)}.`)
  const { current, locks } = looked
  const { issuer, id: agent, run } = current.requester
  const [request, refused, soFar] = await Promise.all([
    parts.requestStore.read(current.id),
    parts.documents.query(refusedDecisions, { name: 'byApproval', equal: { approval: current.id }, limit: 50 }),
    runHistory(parts.documents, { id: current.id, issuer, agent, run }),
  ])
  const { electorate: { eligible, quorum } } = electorsOf(parts.rights, current)
  const reviewers = [...eligible].map((person) => parts.rights.people.byId(person)?.name ?? person)
  const card = request === undefined ? undefined : renderCard({
    request, state: current.state.state, expiresAt: current.expiresAt, reviewers, quorum, approvedBy: approversOf(current), soFar, price: parts.price,
    ...current.earlier === undefined ? {} : { earlier: current.earlier }, ...current.differences === undefined ? {} : { differences: current.differences },
  })
  return {
    approval: viewOf(current), summary: current.summary, votes: current.votes, ...current.grant === undefined ? {} : { grant: current.grant }, ...current.escalatedAt === undefined ? {} : { escalatedAt: current.escalatedAt }, quorum, reviewers: [...eligible], offer: offerOf(request, current, parts.rights),
    refused: refused.docs.map(({ data }) => data), ...card === undefined ? {} : { card }, ...locks.inForce === undefined ? {} : { lock: locks.inForce },
  }
}

function approversOf({ votes }: ApprovalCase): readonly string[] {
  return votes.filter(({ verdict }) => verdict === 'approve').map(({ person }) => person)
}
