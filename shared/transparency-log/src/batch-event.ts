/** A batch as data of a `record.batch` event: text, because both buses carry text; lines stay whole, so that nothing is re-encoded. */
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import type { RecordBody } from '@lockkeeper/domain/records'
import { parseHeader, type RecordBatch, type SealedHeader } from './batch.ts'
import { strictBase64url } from './signatures.ts'

export interface BatchData {
  readonly header: string
  readonly lines: readonly string[]
  /** Hash, content type, bytes as base64url. */
  readonly bodies: readonly (readonly [hash: string, contentType: string, bytes: string])[]
}

/** `source`: `/proxy/INSTANCE`. The event's id is the batch's place, so a repeated publish is the same event. */
export function batchEvent(batch: RecordBatch, source: string, at: number): CloudEvent<'record.batch', BatchData> {
  const bodies = batch.bodies.map((body) => [body.hash, body.contentType, Buffer.from(body.bytes).toString('base64url')] as const)
  const data: BatchData = { header: batch.header, lines: batch.lines, bodies }
  return cloudEvent('record.batch', source, `${batch.writer}-${batch.firstSeq}-${batch.lastSeq}`, at, data)
}

/** Undefined: not a batch. Signature and chain are not checked yet. */
export function readBatchData(data: unknown): { readonly batch: RecordBatch, readonly sealed: SealedHeader } | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { header, lines, bodies } = data as Record<string, unknown>
  if (typeof header !== 'string' || !Array.isArray(lines) || !Array.isArray(bodies)) return undefined
  if (!lines.every((line) => typeof line === 'string' && !line.includes('\n') && line.isWellFormed())) return undefined
  const sealed = parseHeader(header)
  const read = bodies.map(readBody)
  if (sealed === undefined || read.includes(undefined)) return undefined
  const { writer, firstSeq, lastSeq } = sealed.header
  return { batch: { writer, firstSeq, lastSeq, header, lines: lines as string[], bodies: read as RecordBody[] }, sealed }
}

function readBody(value: unknown): RecordBody | undefined {
  if (!Array.isArray(value)) return undefined
  const [hash, contentType, text] = value as unknown[]
  if (typeof hash !== 'string' || typeof contentType !== 'string' || typeof text !== 'string') return undefined
  const bytes = strictBase64url(text)
  return bytes === undefined ? undefined : { hash, contentType, bytes }
}
