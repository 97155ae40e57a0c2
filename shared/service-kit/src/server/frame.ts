/**
 * Facts and bytes in one body: four bytes of length (big endian), so many bytes of JSON, then the bytes as they are. Stored answers
 * travel so between services: megabytes in base64 inside JSON would block both processes while they are parsed.
 */
import { isRefusal } from '@lockkeeper/domain/errors'
import { parseStrict, toPlain } from '@lockkeeper/domain/json'

export const FRAME_TYPE = 'application/vnd.lockkeeper.frame'

const LENGTH_BYTES = 4
/** Bytes of the JSON part: names, words and header lines of one answer. */
const MAX_FACTS_BYTES = 256 * 1024

export interface Frame { readonly facts: unknown, readonly bytes: Buffer }

/** TypeError when the facts take over 256 KiB. */
export function frame(facts: object, bytes: Uint8Array = Buffer.alloc(0)): Buffer {
  const json = Buffer.from(JSON.stringify(facts))
  if (json.length > MAX_FACTS_BYTES) throw new TypeError(`the facts of a frame take ${json.length} bytes; ${MAX_FACTS_BYTES} at most`)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json, bytes])
}

/** Undefined: it is no frame, or its facts are no strict JSON. */
export function unframe(body: unknown): Frame | undefined {
  if (!Buffer.isBuffer(body) || body.length < LENGTH_BYTES) return undefined
  const end = LENGTH_BYTES + body.readUInt32BE(0)
  if (end > body.length || end > LENGTH_BYTES + MAX_FACTS_BYTES) return undefined
  const facts = parseStrict(body.subarray(LENGTH_BYTES, end))
  return isRefusal(facts) ? undefined : { facts: toPlain(facts), bytes: body.subarray(end) }
}
