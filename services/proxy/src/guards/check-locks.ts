/** The kill switch: a locked agent, run, target or everything stops here, and so does a view too old to know (invariant 11). */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Parts } from '../parts.ts'
import type { Passage, Unlocked, Witnesses } from '../passage.ts'

export function checkLocks(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Unlocked | Refusal | Promise<Unlocked | Refusal> {
  const { locks, settings } = parts
  if (locks.age() <= settings.staleAfterMs) return judge(passage, parts)
  return locks.refresh().then((fresh) => fresh
    ? judge(passage, parts)
    : refuse('POLICY_STALE', 'The gateway has lost sight of the locks (kill switch), so it refuses. Nothing was sent; try again in a moment.'))
}

function judge(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, { locks, clock }: Parts): Unlocked | Refusal {
  const { agent } = passage.verified
  const lock = locks.find(agent.id, agent.run, passage.classified.target.name, clock.now())
  if (lock === undefined) return { at: clock.now() } as Unlocked
  return refuse('AGENT_LOCKED', {
    message: `A lock stops this call (${lock.scope.kind}): ${lock.reason}. Nothing was sent. A person must lift it; sending again does not help.`,
    metadata: { lock: lock.id, scope: lock.scope.kind },
  })
}
