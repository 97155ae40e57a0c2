/** What becomes of the one-time right to dial an approved call (invariant 5). */
import { isRefusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Outcome, type StoredAnswer } from '@lockkeeper/domain/ports'
import { attachKeyOf } from '../attach.ts'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { TooLate } from './upstream-failures.ts'
import type { DialogueEnd } from './dialogue.ts'

type Complete = Passage & Witnesses

/** `body` is whole, or undefined where the answer was too large to collect: then there is a receipt without it. */
export function outcomeOf(status: number, body: Uint8Array | undefined, headers: readonly string[], returnsSecret: boolean): Outcome {
  if (status === 429) return { kind: 'not_sent', why: 'the upstream answered 429' }
  if (status >= 500) return { kind: 'unknown', why: `the upstream answered ${status}` }
  const answer: StoredAnswer | undefined = body === undefined || returnsSecret ? undefined : { status, headers, body }
  return { kind: 'answered', status, delivered: false, ...(answer === undefined ? {} : { answer }) }
}

/**
 * The outcome of a dialogue that ended before its answer was released. An upstream that answered, and whose answer the gateway
 * itself held back, has run the call; one that broke off may have.
 */
export function outcomeOfFailure({ sent, error, status }: Extract<DialogueEnd, { readonly kind: 'failed' }>, heldBack: boolean): Outcome {
  if (!sent || error instanceof TooLate) return { kind: 'not_sent', why: error.message }
  return heldBack && status !== undefined ? outcomeOf(status, undefined, [], false) : { kind: 'unknown', why: error.message }
}

/** Tells the approval service how a claim ended. Its silence loses nothing: an unsettled claim becomes `unknown` by itself. */
export async function settleClaim({ claimed, facts }: Complete, outcome: Outcome, { approval, log }: Parts): Promise<void> {
  if (claimed.kind !== 'claim') return
  try {
    const refused = await approval.complete({ approval: claimed.approval, fence: claimed.claim.fence, outcome })
    if (isRefusal(refused)) log.warn({ approval: claimed.approval, reason: refused.reason }, 'the outcome of an approved call came too late')
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    log.error({ approval: claimed.approval, method: facts.method, error: error.message }, 'the outcome of an approved call could not be stored; it will show as unknown')
  }
}

/** Delivered is what the agent's socket took whole; only then does the receipt's short window begin. */
export function markDelivered(passage: Complete, approval: string, digest: string, { approval: api, log }: Parts): void {
  const { response } = passage
  const attach = attachKeyOf(passage, digest)
  const tell = (): void => {
    api.delivered({ approval, attach }).catch((error: unknown) => log.warn({ approval, error: (error as Error).message }, 'the delivery of a receipt could not be noted; it stays readable for longer'))
  }
  if (response.writableFinished) tell()
  else response.once('finish', tell)
}
