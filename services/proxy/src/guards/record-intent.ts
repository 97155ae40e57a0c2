/** What is about to be done, in the log before it is done: a change waits for it before the dial, a read before its first byte (invariants 1 and 8). */
import { LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import type { Parts } from '../parts.ts'
import { recordedRequest } from '../recorded-bodies.ts'
import type { Intent, Passage, Witnesses } from '../passage.ts'

export function recordIntent(passage: Passage & Pick<Witnesses, 'verified' | 'classified' | 'unlocked' | 'decided' | 'granted' | 'credential' | 'claimed'>, { records, clock, maskers, settings }: Parts): Intent | Refusal {
  const request = recordedRequest(passage.classified.call, passage.decided.decision.obligations.mask, { maskers, limit: settings.limits.recordBody })
  if (request !== undefined) passage.facts.requestBody = request.hash
  try {
    return records.append({ kind: 'intent', at: clock.now(), mode: passage.mode, isolation: passage.isolation, origin: 'agent', ...passage.facts }, request === undefined ? [] : [request]) as Intent
  } catch (error) {
    if (error instanceof LockkeeperError) return error.refusal
    throw error
  }
}
