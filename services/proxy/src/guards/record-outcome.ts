/** How every passage ended, refusals too: no call without a record (invariant 8). Last in line, and never in the way. */
import { ERRORS, isRefusal, LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import { appendOutcome } from '../call-record.ts'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'

export function recordOutcome(passage: Passage & Partial<Witnesses>, end: Ending | Refusal, parts: Parts): void {
  const { intent } = passage
  parts.owed.settle(passage)
  if (intent !== undefined && end === intent.told) return
  const ending = isRefusal(end) ? endingOf(end, passage) : end
  try {
    // One that follows a record of the whole call corrects it: the answer was not passed on after all.
    appendOutcome(passage, ending, intent === undefined ? {} : intent.id === undefined ? { reference: intent.reference } : { intent: intent.id }, parts)
  } catch (error) {
    const facts = { method: passage.facts.method, agent: passage.facts.agent, result: ending.result }
    // The log is stopped: new calls are refused by their intent; what is left to say goes to the operator.
    if (error instanceof LockkeeperError) parts.log.error(facts, 'an outcome could not be recorded: the audit log takes nothing')
    // A fault of ours in one call's record must not end everybody's calls; nothing is dialled or released without an earlier record.
    else parts.log.error({ ...facts, err: error }, 'a fault of the gateway\'s own kept an outcome from being recorded')
  }
}

function endingOf(refusal: Refusal, passage: Passage): Ending {
  const { reason, detail, message } = refusal
  const result = passage.gone ? 'left' : reason === 'APPROVAL_PENDING' ? 'pending' : reason === 'OUTCOME_UNKNOWN' ? 'unknown' : reason.startsWith('UPSTREAM_') ? 'failed' : 'refused'
  return { result, status: ERRORS[reason].http, reason, detail: strike(detail ?? message).slice(0, 1000), responseBytes: 0 }
}
