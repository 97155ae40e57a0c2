/** Makes proofs that a third party checks with the log's public key alone, and shows it nothing else of the log. */
import { hash } from 'node:crypto'
import { batchLeaf, hashRanges, inclusionRanges, type Hash, type RecordProof } from '@lockkeeper/transparency-log'
import type { LogReader } from './log-reader.ts'
import type { LocatedRecord } from './record-view.ts'

/** `size`: batches that a checkpoint covers, this record's among them. Reads the log once. */
export async function proveRecord(found: LocatedRecord, size: number, reader: LogReader): Promise<RecordProof> {
  const within = found.in.batches.findIndex(({ line, lines }) => found.line > line && found.line <= line + lines.length)
  const batch = found.in.batches[within]
  const checkpoint = await reader.checkpoint(size)
  if (batch === undefined || checkpoint === undefined) throw new TypeError('a record is proven from its own segment and under a checkpoint')
  const index = firstBatchOf(found.in.head) + within
  const path = await hashRanges(inclusionRanges(index, size), leaves(reader))
  return {
    record: found.text, lineHashes: batch.lines.map((line) => hash('sha256', line, 'base64url')), header: batch.header,
    batch: index, path: path.map((one) => one.toString('base64')), checkpoint,
  }
}

async function * leaves(reader: LogReader): AsyncGenerator<Hash> {
  for await (const segment of reader.segments()) for (const { header } of segment.batches) yield batchLeaf(header)
}

function firstBatchOf(head: string): number {
  return (JSON.parse(head) as { readonly firstBatch: number }).firstBatch
}
