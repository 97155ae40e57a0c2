/** The call that persons approved, as it will be sent: with the key that was put into it when they were asked (invariant 4). */
import { canonicalCall, digestOf } from '@lockkeeper/domain/digest'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { withDedupeKey } from './outcome/dedupe-key.ts'
import type { Parts } from './parts.ts'
import type { Classified, Passage, Witnesses } from './passage.ts'

type Needs = Passage & Pick<Witnesses, 'classified'>

/** No state has this hash, so the claim finds another one than was approved, ends the approval and says so. */
const NOT_WHAT_WAS_APPROVED = 'the call is not the one that was approved'

/**
 * Leaves the call on the passage. Where it cannot be made again as it was approved (another session key, say), the claim will fail.
 * A call that is bound to another state by now stays as it is: the claim says that it has changed.
 */
export function takeApproved(passage: Needs, approval: ApprovalDocument, { sessionKey, catalog }: Parts): void {
  const plain = passage.classified
  const approved = [withDedupeKey(plain, approval.id, sessionKey, catalog), plain].find((one) => digestIn(one) === approval.digest)
  if (approved === undefined) {
    if (passage.stateHash === approval.stateHash) passage.stateHash = NOT_WHAT_WAS_APPROVED
    return
  }
  if (approved === plain) return
  passage.unbound ??= plain
  ;(passage as { classified: Classified }).classified = approved
  passage.facts.digest = approval.digest
}

function digestIn({ call, headers }: Classified): string {
  return digestOf(canonicalCall(call, headers.meaningful))
}
