/** One writer's beat in each watched set: a proxy that misses it for 5 s refuses everything (invariant 11). */
import { approvals, HEARTBEAT_ID, locks, nextBeat, type Heartbeat } from '@lockkeeper/domain/collections'
import type { DocumentStore, Ref, Write } from '@lockkeeper/domain/ports'

/** Writes the next beat of both collections in one commit. */
export async function beat(documents: DocumentStore): Promise<void> {
  const refs: readonly Ref[] = [{ collection: approvals, id: HEARTBEAT_ID }, { collection: locks, id: HEARTBEAT_ID }]
  await documents.transact(refs, (docs, now) => {
    const writes = refs.map((ref, index): Write => ({ kind: 'put', ref, data: nextBeat(docs[index]?.data as Heartbeat | undefined, now) }))
    return { writes, facts: [], result: undefined }
  })
}
