/**
 * What became of an approved call whose gateway never told, most likely because it died: looked for by the key that the call carried,
 * when its agent sends it again. The call itself is never sent again (invariant 5).
 */
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { ownRead } from '../state/own-read.ts'
import { hasOwnKey, withDedupeKey } from './dedupe-key.ts'
import { outcomeRuleOf } from './outcome-rules.ts'

/** Undefined: nothing can be said. RECEIPT_GONE: it has run, and the approval says so from now on; there is no answer to give out. */
export async function findLateOutcome(approval: ApprovalDocument, passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Promise<Refusal | undefined> {
  const { fence } = approval
  const { call } = withDedupeKey(passage.classified, approval.id, parts.sessionKey, parts.catalog)
  const rule = fence === undefined || !hasOwnKey(call) ? undefined : outcomeRuleOf(call, parts.catalog)
  if (fence === undefined || rule === undefined) return undefined
  const read = await ownRead('what became of the call', rule.plan, passage, parts)
  const verdict = isRefusal(read) ? undefined : rule.judge(read.value, 0)
  if (isRefusal(read) || verdict?.ran === undefined) return undefined
  const evidence = `Its answer was lost (${approval.reason ?? 'nobody told'}); ${rule.plan.reader.id} at ${new Date(parts.clock.now()).toISOString()}, record ${read.record}: ${verdict.why}`
  try {
    const refused = await parts.approval.complete({ approval: approval.id, fence, outcome: { kind: 'answered', status: verdict.ran.status, delivered: false, evidence } })
    if (isRefusal(refused)) return undefined
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    parts.log.warn({ approval: approval.id, error: error.message }, 'a call that was found to have run could not be settled; it is looked for again when it is sent again')
  }
  return refuse('RECEIPT_GONE', { message: `${approval.id} has run, and its answer was lost: ${verdict.why}. Nothing was sent again; look at the resource. Later the same call asks for a new approval.`, metadata: { approval: approval.id, method: approval.method } })
}
