/** What is about to be done, in the log before it is done: a change waits for it before the dial, a read before its first byte (invariants 1 and 8). */
import { LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import type { Parts } from '../parts.ts'
import type { Intent, Passage, Witnesses } from '../passage.ts'

export function recordIntent(passage: Passage & Pick<Witnesses, 'verified' | 'classified' | 'unlocked' | 'decided' | 'granted' | 'credential' | 'claimed'>, { records, clock }: Parts): Intent | Refusal {
  try {
    return records.append({ kind: 'intent', at: clock.now(), mode: passage.mode, isolation: passage.isolation, origin: 'agent', ...passage.facts }, passage.bodies) as Intent
  } catch (error) {
    if (error instanceof LockkeeperError) return error.refusal
    throw error
  }
}
