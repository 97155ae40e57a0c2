/** What the policy service writes and every proxy watches. */
import type { Heartbeat } from '@lockkeeper/domain/collections'
import type { Collection } from '@lockkeeper/domain/ports'
import type { SignedPointer } from './bundle.ts'
import type { SignedTargetsPointer } from './target-set.ts'

/** Id of the document that names the bundle in force. */
export const CURRENT_ID = 'current'
/** Id of the document that names the targets in force, where they are published. */
export const TARGETS_ID = 'targets'

export type PolicyServiceDocument = SignedPointer | SignedTargetsPointer | Heartbeat

/** The signed pointers `current` and `targets`, and one heartbeat for both. */
export const policies: Collection<PolicyServiceDocument> = {
  name: 'policy',
  queries: { live: { equal: ['live'] } },
}
