/** What a vote brings about beside the state of its case: a grant for calls like it, or the review that break-glass leaves behind. Pure. */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Doc, Write } from '@lockkeeper/domain/ports'
import type { ApprovalCase, Vote } from './approval-case.ts'
import { createdFact, endGrant, grantRef, newGrant, type Proposal } from './grants.ts'
import type { GrantDocument } from './collections.ts'
import { patternText } from './grant-pattern.ts'
import { newReview, openedFact, reviewRef } from './reviews.ts'
import type { Step } from './state-machine.ts'
import type { Electorate } from './votes.ts'

export interface Consequences {
  readonly writes: readonly Write[]
  readonly facts: readonly CloudEvent[]
  readonly grant?: GrantDocument
  readonly review?: string
}

const NONE: Consequences = { writes: [], facts: [] }

export interface VoteGiven {
  readonly electorate: Electorate
  /** What the vote's own pattern came to. Of a quorum all must have agreed to the same one, or the call alone is approved. */
  readonly proposal?: Proposal
  readonly reason?: string
  /** The grant that was given with the case, where there is one. */
  readonly given?: Doc
}

export function consequencesOf({ next, facts }: Step, { electorate, proposal, reason, given }: VoteGiven, now: number): Consequences {
  const denied = facts.find(({ type }) => type === 'approval.denied')
  if (denied?.type === 'approval.denied') return endGrant(given, denied.data.by, `${next.id}, with which it was given, was denied`, now)
  const approved = facts.find(({ type }) => type === 'approval.approved')
  if (approved?.type !== 'approval.approved') return NONE
  if (approved.data.breakGlass === true) {
    const review = newReview(next, approved.data.by, reason ?? '', now)
    return { writes: [{ kind: 'create', ref: reviewRef(review.id), data: review }], facts: [openedFact(review)], review: review.id }
  }
  const agreed = proposal === undefined ? [] : agreedVotes(next, proposal, electorate)
  if (proposal === undefined || agreed.length < electorate.quorum) return NONE
  const grant = newGrant(proposal, next, agreed, now)
  return { writes: [{ kind: 'create', ref: grantRef(grant.id), data: grant }], facts: [createdFact(grant)], grant }
}

function agreedVotes({ votes }: ApprovalCase, { pattern }: Proposal, { eligible }: Electorate): readonly Vote[] {
  const text = patternText(pattern)
  return votes.filter(({ person, verdict, grant }) => verdict === 'approve' && eligible.has(person) && grant !== undefined && patternText(grant) === text)
}
