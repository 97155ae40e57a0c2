/** What the policy service writes and every proxy watches. */
import type { Heartbeat } from '@lockkeeper/domain/collections'
import type { Collection } from '@lockkeeper/domain/ports'
import type { SignedPointer } from './bundle.ts'

/** Id of the document that names the bundle in force. */
export const CURRENT_ID = 'current'

/** Two documents: the signed pointer `current` and the heartbeat. */
export const policies: Collection<SignedPointer | Heartbeat> = {
  name: 'policy',
  queries: { live: { equal: ['live'] } },
}
