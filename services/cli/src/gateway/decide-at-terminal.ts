/** A decision made where the gateway runs: signed with the key of this terminal, checked by the approval service like any other. */
import { closingDecision, type Decided, type ReviewDocument, type SubmittedDecision } from '@lockkeeper/approval'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { CommandFailed } from '../command-failed.ts'
import type { Gateway } from './wire.ts'

type Terminal = Pick<Gateway, 'approval' | 'terminal'>

/** Resolves with the new state; CommandFailed with the service's text when it refuses. */
export async function decideAtTerminal(gateway: Terminal, person: string, id: string, verdict: 'approve' | 'deny', reason?: string): Promise<string> {
  const decided = await submitAtTerminal(gateway, person, id, { verdict, reason: reason ?? `key press of ${person} at the gateway's terminal` })
  if (isRefusal(decided)) throw new CommandFailed(decided.message)
  return decided.state
}

/** The same with all that a decision can say. */
export async function submitAtTerminal({ approval, terminal }: Terminal, person: string, id: string, said: Omit<SubmittedDecision, 'approval' | 'digest' | 'proof'>): Promise<Decided | Refusal> {
  const detail = await approval.admin.show(id)
  return isRefusal(detail) ? detail : approval.admin.decide(terminal.decide({ approval: id, digest: detail.approval.digest, ...said }, person))
}

/** Closes the review of a break-glass as this terminal's person. */
export function closeReview({ approval, terminal }: Terminal, person: string, review: string, note: string): Promise<ReviewDocument | Refusal> {
  const { proof } = terminal.decide(closingDecision(review, note), person)
  return approval.admin.closeReview({ review, note, proof })
}
