/** What waits, with whom it waits for: the inbox. Newest first, a page at a time. */
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { Mode, PersonId } from '@lockkeeper/domain'
import type { DocumentStore, Page } from '@lockkeeper/domain/ports'
import { titleOf } from './card-words.ts'
import { cases, type CaseDocument } from './collections.ts'
import { caseOf } from './facts.ts'
import { electorsOf, type RoutingRights } from './routing.ts'

export interface WaitingCall extends Pick<ApprovalDocument, 'id' | 'agent' | 'run' | 'method' | 'target' | 'resources' | 'at' | 'expiresAt'> {
  /** Plain words, safe to print. */
  readonly title: string
  readonly summary: string
  readonly risk: string
  readonly sponsor?: string
  /** Persons who may decide it now. */
  readonly reviewers: readonly PersonId[]
  readonly approvedBy: readonly PersonId[]
  readonly quorum: number
  readonly escalated: boolean
}

export interface WaitingPage { readonly mode: Mode, readonly waiting: readonly WaitingCall[], readonly cursor?: string }

export interface WaitingFilter {
  /** 1 to 200, default 200. */
  readonly limit?: number
  readonly cursor?: string
}

export async function listWaiting({ documents, rights, mode, now }: { readonly documents: DocumentStore, readonly rights: RoutingRights, readonly mode: Mode, readonly now: () => number }, { limit = 200, cursor }: WaitingFilter): Promise<WaitingPage> {
  const page: Page<object> = await documents.query(approvals, { name: 'byState', equal: { state: 'pending' }, limit: Math.min(200, Math.max(1, Math.trunc(limit))), ...cursor === undefined ? {} : { cursor } })
  const at = now()
  const open = page.docs.map(({ data }) => data as ApprovalDocument).filter(({ expiresAt }) => at < expiresAt)
  const known = open.length === 0 ? [] : await documents.read(open.map(({ id }) => ({ collection: cases, id })))
  const waiting = open.flatMap((view, index) => {
    const doc = known[index]
    return doc === undefined ? [] : [waitingCall(view, doc.data, rights)]
  })
  return { mode, waiting, ...page.cursor === undefined ? {} : { cursor: page.cursor } }
}

function waitingCall({ id, agent, run, method, target, resources, at, expiresAt }: ApprovalDocument, data: CaseDocument, rights: RoutingRights): WaitingCall {
  const current = caseOf(data)
  const { electorate: { eligible, quorum } } = electorsOf(rights, current)
  return {
    id, agent, run, method, target, resources, at, expiresAt, title: titleOf(current.method, current.resources, current.target), summary: current.summary, risk: current.risk ?? 'unknown', quorum,
    reviewers: [...eligible], approvedBy: current.votes.filter(({ verdict }) => verdict === 'approve').map(({ person }) => person), escalated: current.escalatedAt !== undefined,
    ...current.requester.sponsor === undefined ? {} : { sponsor: current.requester.sponsor },
  }
}
