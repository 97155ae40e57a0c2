/** The one-time right to dial an approved call. Whoever loses the race waits for the winner's receipt (invariant 5). */
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { attachKeyOf } from '../attach.ts'
import { AGAIN, type Claimed, type Passage, type Verdict, type Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'decided' | 'granted' | 'credential'>

const NOT_NEEDED = { kind: 'not-needed' } as Claimed

export function claimApproval(passage: Needs, parts: Parts): Verdict<Claimed> | Promise<Verdict<Claimed>> {
  return passage.granted.kind === 'approval' ? claim(passage, passage.granted.approval, passage.granted.digest, parts) : NOT_NEEDED
}

async function claim(passage: Needs, approval: string, digest: string, { approval: api, clock, settings }: Parts): Promise<Verdict<Claimed>> {
  const attach = attachKeyOf(passage, digest)
  const askedAt = clock.monotonic()
  const told = passage.trace?.claims(approval)
  try {
    const claimed = await api.claim({ approval, attach, decisionHash: passage.decided.decision.hash, holder: settings.instance, ...(passage.stateHash === undefined ? {} : { stateHash: passage.stateHash }) })
    told?.(isRefusal(claimed) ? claimed.reason : 'taken')
    if (!isRefusal(claimed)) {
      passage.facts.fence = claimed.fence
      // Counted from the question, not the answer: the deadline may only be earlier than the service's own.
      return { kind: 'claim', approval, claim: claimed, dialBy: askedAt + claimed.dialWithinMs } as Claimed
    }
    if (claimed.reason !== 'APPROVAL_PENDING' && claimed.reason !== 'RECEIPT_GONE') return claimed
    // Another connection holds the claim or has finished it: wait for what becomes of it.
    passage.lostClaim = approval
    return AGAIN
  } catch (error) {
    told?.('unavailable')
    if (!(error instanceof PortUnavailable)) throw error
    return refuse('APPROVAL_UNAVAILABLE', { message: 'The approval service does not answer, so the approved call was not sent. Send the same call again: the approval stands.', detail: error.message })
  }
}
