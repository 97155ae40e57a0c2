/** What others see of a case: its facts as CloudEvents and its document for the proxies. */
import { cloudEvent, type CloudEvent, type EventData } from '@lockkeeper/domain/events'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { isSettled, type ApprovalCase, type Fact } from './approval-case.ts'
import { KEEP_MS, type CaseDocument } from './collections.ts'
import { refusalOf } from './outcome-texts.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import { dueAt } from './state-machine.ts'

export const SOURCE = '/approval'

/** Ids come from the case's revision: a commit that is tried again makes the same events. */
export function factEvents(next: ApprovalCase, facts: readonly Fact[], now: number, rights: RoutingRights): readonly CloudEvent[] {
  const common = commonFacts(next)
  return facts.map(({ type, data }, index) => cloudEvent(type, SOURCE, `${next.id}:${next.revision}:${index}`, now, { ...common, ...data, ...type === 'approval.escalated' ? whoMayDecide(next, rights) : {} }, next.id, next.traceparent))
}

/** What every fact about a case says. */
export function commonFacts({ id, requester, method, resources, mode, expiresAt }: Pick<ApprovalCase, 'id' | 'requester' | 'method' | 'resources' | 'mode' | 'expiresAt'>): EventData<'approval.expired'> {
  return { approval: id, agent: requester.id, run: requester.run, method, resources: [...resources], mode, expiresAt }
}

function whoMayDecide(next: ApprovalCase, rights: RoutingRights): { readonly reviewers: readonly string[], readonly quorum: number } {
  const { eligible, quorum } = electorsOf(rights, next).electorate
  return { reviewers: [...eligible], quorum }
}

export function caseDocument(next: ApprovalCase): CaseDocument {
  const due = dueAt(next)
  const open = Number.isFinite(due)
  return { ...next, stateName: next.state.state, open, dueAt: open ? due : 0, deleteAt: deleteAt(next) }
}

export function caseOf({ stateName: _stateName, open: _open, dueAt: _dueAt, deleteAt: _deleteAt, ...rest }: CaseDocument): ApprovalCase {
  return rest
}

/** Far enough away that an open case is never deleted: settling writes it anew. */
function deleteAt({ state, expiresAt }: ApprovalCase): number {
  return KEEP_MS + (isSettled(state) ? state.settledAt : 'claimUntil' in state ? Math.max(state.claimUntil, expiresAt) : expiresAt)
}

export function viewOf(next: ApprovalCase): ApprovalDocument {
  const { state } = next
  const refusal = isSettled(state) && state.state !== 'answered' ? refusalOf(next) : undefined
  return {
    kind: 'approval', id: next.id, attachHash: next.attachHash, digest: next.digest, decisionHash: next.decisionHash,
    state: state.state, method: next.method, agent: next.requester.id, run: next.requester.run, expiresAt: next.expiresAt,
    live: !next.retired, issuer: next.requester.issuer, target: next.target, resources: next.resources, at: next.at,
    ...next.stateHash === undefined ? {} : { stateHash: next.stateHash },
    ...next.grant === undefined ? {} : { grant: next.grant.id }, ...next.traceparent === undefined ? {} : { traceparent: next.traceparent },
    ...refusal === undefined ? {} : { refusal: refusal.reason },
    ...reasonOf(next),
    ...state.state === 'unknown' ? { fence: state.fence } : {},
    ...isSettled(state) ? { settledAt: state.settledAt, deleteAt: deleteAt(next) } : {},
    ...state.state === 'answered' && state.receiptUntil !== undefined ? { receiptUntil: state.receiptUntil } : {},
  }
}

/** Why, in words for the agent: the approver's own for a denial, ours for the rest. */
function reasonOf({ state }: ApprovalCase): Pick<ApprovalDocument, 'reason'> {
  switch (state.state) {
    case 'denied': return state.reason === undefined ? {} : { reason: state.reason }
    case 'cancelled': case 'unknown': return { reason: state.why }
    case 'answered': return state.evidence === undefined ? {} : { reason: state.evidence }
    case 'expired': return state.from === 'approved' ? { reason: 'It was approved and not used in time.' } : {}
    default: return {}
  }
}
