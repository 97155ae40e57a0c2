/** What break-glass leaves behind: a review that stays open until a person who had no part in it closes it. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import type { DocumentStore, Ref } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { z } from 'zod'
import type { ApprovalCase } from './approval-case.ts'
import { KEEP_MS, REMEMBER_MS, reviews, usedProofs, type ReviewDocument, type UsedProof } from './collections.ts'
import { commonFacts, SOURCE } from './facts.ts'
import { passkeyRefs, passkeyWrites } from './passkey-use.ts'
import { checkProof, type ProofChecks, type SubmittedDecision } from './proof.ts'
import { electorsOf, type Proven, type RoutingRights } from './routing.ts'

export interface ReviewParts {
  readonly documents: DocumentStore
  readonly proofs: ProofChecks
  readonly rights: RoutingRights
  readonly now: () => number
  readonly log: Log
}

export interface Reviews {
  /** Newest first, at most 200. Default: those that are open. */
  listReviews(filter?: { readonly open?: boolean }): Promise<readonly ReviewDocument[]>
  /**
   * Closes one, with the closing person's proof over `closingDecision`. POLICY_DENIED for whoever broke the glass, asked for the call or
   * could not have decided it; NOT_FOUND where none is open.
   */
  closeReview(request: unknown): Promise<ReviewDocument | Refusal>
}

/** Difference that the clocks of an identity provider and ours may have. */
const SKEW_MS = 60_000

const closing = z.strictObject({
  review: z.string().regex(/^rev_[A-Za-z0-9]{3,60}$/, 'is no review\'s id'), note: z.string().trim().min(1).max(2000), proof: EVENT_DATA['decision.submitted'].shape.proof,
})

export function reviewIdOf(approval: string): string {
  return approval.replace(/^apr_/, 'rev_')
}

export function reviewRef(id: string): Ref<ReviewDocument> {
  return { collection: reviews, id }
}

/** What the proof of who closes a review speaks about: no digest of a call begins so, and no proof of the one is one of the other. */
export function closingDecision(review: string, note: string): Omit<SubmittedDecision, 'proof'> {
  return { approval: review, digest: `review:${review}`, verdict: 'approve', reason: note }
}

export function newReview(approved: ApprovalCase, by: readonly string[], reason: string, now: number): ReviewDocument {
  const { id, summary, rule, requester, terms, votes, escalatedAt, method, resources, mode, expiresAt } = approved
  return {
    kind: 'review', id: reviewIdOf(id), open: true, approval: id, by, reason, summary, rule, at: now,
    of: { id, requester, terms, votes, method, resources, mode, expiresAt, ...escalatedAt === undefined ? {} : { escalatedAt } },
  }
}

export function openedFact(review: ReviewDocument): CloudEvent {
  const { id, by, reason, summary, at, of, approval } = review
  return cloudEvent('review.opened', SOURCE, `${id}:opened`, at, { ...commonFacts(of), review: id, by: [...by], reason, summary }, approval)
}

export function createReviews(parts: ReviewParts): Reviews {
  const { documents, log } = parts

  async function listReviews({ open = true }: { readonly open?: boolean } = {}): Promise<readonly ReviewDocument[]> {
    const page = await documents.query(reviews, { name: 'byOpen', equal: { open }, limit: 200 })
    return page.docs.map(({ data }) => data)
  }

  async function closeReview(request: unknown): Promise<ReviewDocument | Refusal> {
    const parsed = closing.safeParse(request)
    if (!parsed.success) return refuse('REQUEST_INVALID', `The closing of a review is malformed: ${parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
    const { review, note, proof } = parsed.data
    const proven = await checkProof({ ...closingDecision(review, note), proof }, parts.proofs, parts.now())
    if (isRefusal(proven)) return proven
    const used: Ref<UsedProof> = { collection: usedProofs, id: proven.fingerprint }
    const closed = await documents.transact<ReviewDocument>([reviewRef(review), used, ...passkeyRefs(proven.passkey)], ([doc, usedDoc, passkeyDoc], at) => {
      const before = doc?.data as ReviewDocument | undefined
      if (usedDoc !== undefined) return refuse('TOKEN_INVALID', 'The proof was used before.')
      if (before === undefined || !before.open) return refuse('NOT_FOUND', `There is no open review ${review}.`)
      if (proven.madeAt < before.at - SKEW_MS) return refuse('TOKEN_INVALID', 'The proof is older than the review.')
      const uses = passkeyWrites(proven.passkey, passkeyDoc, at)
      if (isRefusal(uses)) return uses
      const refused = mayNotClose(parts.rights, before, proven)
      if (refused !== undefined) return refused
      const next: ReviewDocument = { ...before, open: false, closed: { by: proven.person, note, at }, deleteAt: at + KEEP_MS }
      return {
        writes: [{ kind: 'put', ref: reviewRef(review), data: next }, { kind: 'put', ref: used, data: { approval: before.approval, at, deleteAt: at + REMEMBER_MS } }, ...uses],
        facts: [cloudEvent('review.closed', SOURCE, `${review}:closed`, at, { ...commonFacts(before.of), review, by: proven.person, note }, before.approval)],
        result: next,
      }
    })
    log.info({ review, person: proven.person, closed: !isRefusal(closed) }, isRefusal(closed) ? 'the closing of a review was refused' : 'a review was closed')
    return closed
  }

  return { listReviews, closeReview }
}

/** Someone who could have decided the call, and neither asked for it nor broke the glass. */
function mayNotClose(rights: RoutingRights, { id, by, of }: ReviewDocument, proven: Proven): Refusal | undefined {
  if (by.includes(proven.person)) return refuse('POLICY_DENIED', `${proven.person} broke the glass; another person closes the review.`)
  const { electorate, glass } = electorsOf(rights, of, proven)
  const may = electorate.eligible.has(proven.person) || glass?.eligible.has(proven.person) === true
  return may ? undefined : refuse('POLICY_DENIED', `${proven.person} may not close ${id}: not a reviewer of the call, disabled, or its requester.`)
}
