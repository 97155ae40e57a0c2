/** A proof that one record stands in the log: the record, the hashes of its batch's lines, the path to a signed root. */
import { chainHash, hashLine, parseHeader } from './batch.ts'
import { openCheckpoint } from './checkpoint.ts'
import { includes } from './merkle.ts'
import { parseRecordId, recordId } from './record-id.ts'
import { batchLeaf } from './segment.ts'
import type { TrustedKey } from './signatures.ts'

/** Plain JSON; shows no other record's text. */
export interface RecordProof {
  readonly record: string
  readonly lineHashes: readonly string[]
  readonly header: string
  /** Place of the batch in the log, from 0. */
  readonly batch: number
  /** Siblings from the batch to the root, base64. */
  readonly path: readonly string[]
  readonly checkpoint: string
}

/** True when the record stands in the log that a trusted key signed the checkpoint of. */
export function verifyRecordProof(id: string, proof: RecordProof, trustedLog: readonly TrustedKey[]): boolean {
  const place = parseRecordId(id)
  const sealed = parseHeader(proof.header)
  const checkpoint = openCheckpoint(proof.checkpoint, trustedLog)
  if (place === undefined || sealed === undefined || checkpoint === undefined) return false
  const { header } = sealed
  const index = place.seq - header.firstSeq
  const rightPlace = header.writer === place.writer && index >= 0 && place.seq <= header.lastSeq
    && proof.lineHashes.length === header.lastSeq - header.firstSeq + 1 && proof.lineHashes.every((one) => one.length === 43)
  if (!rightPlace || !proof.record.startsWith(`{"id":"${recordId(place.writer, place.seq)}",`)) return false
  if (hashLine(proof.record) !== proof.lineHashes[index] || chainHash(header.prevHash, proof.lineHashes.join('')) !== header.lastHash) return false
  const path = proof.path.map((one) => Buffer.from(one, 'base64'))
  return includes(batchLeaf(proof.header), proof.batch, checkpoint.size, path, checkpoint.root)
}
