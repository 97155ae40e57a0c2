/** How every passage ended, refusals too: no call without a record (invariant 8). Last in line, and never in the way. */
import { ERRORS, isRefusal, LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'

export function recordOutcome(passage: Passage & Partial<Witnesses>, end: Ending | Refusal, { records, clock, log }: Parts): void {
  const ending = isRefusal(end) ? endingOf(end, passage) : end
  try {
    records.append({
      kind: 'outcome', at: clock.now(), mode: passage.mode, isolation: passage.isolation, origin: 'agent', ...passage.facts,
      ...(passage.intent === undefined ? {} : { intent: passage.intent.id }),
      ...ending, requestBytes: passage.requestBytes, durationMs: round(clock.monotonic() - passage.startedAt), ...(passage.heldMs === 0 ? {} : { heldMs: round(passage.heldMs) }),
    }, passage.bodies)
  } catch (error) {
    if (!(error instanceof LockkeeperError)) throw error
    // The log is stopped: new calls are refused by their intent; what is left to say goes to the operator.
    log.error({ method: passage.facts.method, agent: passage.facts.agent, result: ending.result }, 'an outcome could not be recorded: the audit log takes nothing')
  }
}

function endingOf(refusal: Refusal, passage: Passage): Ending {
  const { reason, detail, message } = refusal
  const result = passage.gone ? 'left' : reason === 'APPROVAL_PENDING' ? 'pending' : reason === 'OUTCOME_UNKNOWN' ? 'unknown' : reason.startsWith('UPSTREAM_') ? 'failed' : 'refused'
  return { result, status: ERRORS[reason].http, reason, detail: strike(detail ?? message).slice(0, 1000), responseBytes: 0 }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
