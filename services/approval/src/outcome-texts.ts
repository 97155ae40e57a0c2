/** What an agent or a person is told about a case that cannot do what was asked. A time-out is never called a denial (invariant 13). */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { ApprovalCase } from './approval-case.ts'

/** RFC 3339, UTC, whole seconds. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

/** The refusal that the case's state stands for; public text. */
export function refusalOf({ id, state, method, expiresAt }: ApprovalCase): Refusal {
  const metadata = { approval: id }
  switch (state.state) {
    case 'pending': return refuse('APPROVAL_PENDING', { message: `Waiting for approval ${id} (${method}) until ${instant(expiresAt)}. Nothing has run. Send the same call again to wait on.`, metadata })
    case 'approved': return refuse('STATE_CHANGED', { message: `${id} is approved already.`, metadata })
    case 'claimed': return refuse('APPROVAL_PENDING', { message: `${id} is being run since ${instant(state.claimedAt)}; it is not run twice. Send the same call again for its answer.`, metadata })
    case 'answered': return refuse('RECEIPT_GONE', { message: `${id} ran at ${instant(state.settledAt)} with status ${state.status} and is not run again.`, metadata })
    case 'denied': return refuse('APPROVAL_DENIED', { message: `${id} was denied${state.reason === undefined ? '.' : `: ${state.reason}`}`, metadata })
    case 'expired': return refuse('APPROVAL_EXPIRED', { message: expiredText(id, state.from), metadata })
    case 'cancelled': return refuse(state.refusal, { message: state.why, metadata })
    case 'unknown': return refuse('OUTCOME_UNKNOWN', { message: `${id} was claimed and it cannot be known whether it ran: ${state.why}. It is never run again by itself; look at the resource first.`, metadata })
  }
}

function expiredText(id: string, from: 'pending' | 'approved'): string {
  if (from === 'approved') return `${id} was approved and not used in time. Nothing has run. Send the same call again to ask again.`
  return `${id} expired before anyone decided. Nothing has run, and nobody said no. Send the same call again to ask again.`
}
