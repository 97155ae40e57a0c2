/**
 * A Google multipart upload (multipart/related: one JSON part, one media part), read strictly and framed anew under a boundary of
 * the gateway's own: the upstream cannot see other parts than the ones that were judged. RFC 2387, RFC 2046 section 5.1.
 */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { isRefusal, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { ClientLeft, timedChunks } from './timed-chunks.ts'

export interface MultipartUpload {
  readonly metadata: Uint8Array
  /** Content type of the media part. */
  readonly mediaType: string
  /** The media as it arrives; ends with an error when what follows is no closing boundary. */
  readonly media: AsyncIterable<Uint8Array>
}

/** Bytes for the part headers beside the JSON part itself. */
const HEADER_ROOM = 16 * 1024

/** Reads up to the first byte of the media. `limit`: bytes of the JSON part at most; `idleMs`: how long the client may send nothing. */
export async function readMultipart(source: AsyncIterable<Uint8Array>, contentType: string, limit: number, idleMs?: number): Promise<MultipartUpload | Refusal> {
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) return malformed('its Content-Type names no valid boundary')
  const chunks = timedChunks(source, idleMs)
  try {
    const upload = await readHead(chunks, boundary, limit)
    if (isRefusal(upload)) await chunks.return(undefined)
    return upload
  } catch (error) {
    if (error instanceof LockkeeperError) return error.refusal
    if (error instanceof ClientLeft) return malformed('it ended before it was complete')
    throw error
  }
}

async function readHead(chunks: AsyncGenerator<Uint8Array>, boundary: string, limit: number): Promise<MultipartUpload | Refusal> {
  const waiting: Uint8Array[] = []
  let size = 0
  let next = 0
  for (let ended = false; ;) {
    // Looked at again only when it has grown by a quarter: a body of tiny chunks must not cost the square of its length.
    if (size >= next || ended) {
      next = size * 1.25
      const head = Buffer.concat(waiting.splice(0), size)
      waiting.push(head)
      const parts = splitHead(head, boundary)
      if (typeof parts === 'string') return malformed(parts)
      if (parts !== undefined && parts.metadata.length > limit) return malformed(`its JSON part is over ${limit} bytes`)
      if (parts !== undefined) return { ...parts, media: mediaOf(parts.rest, chunks, parts.delimiter) }
      if (size > limit + HEADER_ROOM) return malformed(`its JSON part is over ${limit} bytes`)
    }
    if (ended) return malformed('it ends before its media part')
    const chunk = await chunks.next()
    if (chunk.done === true) ended = true
    else size += waiting[waiting.push(chunk.value) - 1]?.length ?? 0
  }
}

/** The same upload under a boundary that nobody outside could know. */
export function frameMultipart(metadata: Uint8Array, mediaType: string, media: AsyncIterable<Uint8Array>): { readonly contentType: string, readonly body: Readable } {
  const boundary = `lockkeeper-${randomBytes(18).toString('hex')}`
  async function* frames(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n`)
    yield metadata
    yield Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${mediaType}\r\n\r\n`)
    yield* media
    yield Buffer.from(`\r\n--${boundary}--\r\n`)
  }
  return { contentType: `multipart/related; boundary=${boundary}`, body: Readable.from(frames(), { objectMode: false }) }
}

/** RFC 2046 boundary characters; gcloud quotes it with single quotes, which are then part of the value. */
function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/related\s*;/i.test(contentType)) return undefined
  const found = [...contentType.matchAll(/;\s*boundary=(?:"([\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?])"|([\w'()+,\-./:=?]{1,72}))(?=[ \t]*(?:;|$))/gi)]
  if (found.length !== 1 || contentType.split(/;[ \t]*boundary[ \t]*=/i).length !== 2) return undefined
  const [, quoted, plain] = found[0] as RegExpMatchArray
  // A value in single quotes is what Python's http libraries send for a quoted one.
  return quoted ?? plain?.replace(/^'(.+)'$/, '$1')
}

interface Head { readonly metadata: Uint8Array, readonly mediaType: string, readonly rest: Buffer, readonly delimiter: Buffer }

/** A string says what is wrong; undefined: more bytes are needed. */
function splitHead(head: Buffer, boundary: string): Head | string | undefined {
  const start = head.indexOf(`--${boundary}`)
  if (start === -1) return head.length > HEADER_ROOM ? 'it does not begin with its boundary' : undefined
  if (head.subarray(0, start).toString('latin1').trim() !== '') return 'something stands before its first part'
  const lineEnd = head.indexOf('\n', start)
  if (lineEnd === -1) return undefined
  if (head.subarray(start + 2 + boundary.length, lineEnd).toString('latin1').trim() !== '') return 'its first boundary line is malformed'
  const newline = head[lineEnd - 1] === 0x0d ? '\r\n' : '\n'
  const delimiter = Buffer.from(`${newline}--${boundary}`)
  const first = readPart(head, lineEnd + 1, newline)
  if (typeof first !== 'object') return first
  if (!/^application\/json\b/i.test(first.type)) return 'its first part is not JSON'
  const end = head.indexOf(delimiter, first.bodyAt)
  if (end === -1) return undefined
  const secondLine = head.indexOf('\n', end + delimiter.length)
  if (secondLine === -1) return undefined
  if (head.subarray(end + delimiter.length, secondLine).toString('latin1').trim() !== '') return 'it has no media part'
  const second = readPart(head, secondLine + 1, newline)
  if (typeof second !== 'object') return second
  return { metadata: head.subarray(first.bodyAt, end), mediaType: second.type, rest: head.subarray(second.bodyAt), delimiter }
}

function readPart(head: Buffer, at: number, newline: string): { readonly type: string, readonly bodyAt: number } | string | undefined {
  const end = head.indexOf(newline + newline, at)
  if ((end === -1 ? head.length : end) - at > HEADER_ROOM) return 'its part headers are too long'
  if (end === -1) return undefined
  let type: string | undefined
  for (const line of head.subarray(at, end).toString('latin1').split(newline)) {
    const [, name, sent] = /^([\w-]+):([\t\x20-\x7e]*)$/.exec(line) ?? []
    const value = sent?.trim()
    if (name === undefined || value === undefined || value.includes('\t')) return 'a part header is malformed'
    const lower = name.toLowerCase()
    if (lower === 'content-type') {
      if (type !== undefined) return 'a part has two content types'
      type = value
    } else if (lower === 'content-transfer-encoding') {
      if (!/^(?:binary|8bit|7bit)$/i.test(value)) return `a part is encoded as ${value.slice(0, 20)}`
    } else if (lower !== 'mime-version' && lower !== 'content-length') return `a part has the header ${name}`
  }
  return { type: type ?? 'application/octet-stream', bodyAt: end + newline.length * 2 }
}

async function* mediaOf(rest: Buffer, chunks: AsyncGenerator<Uint8Array>, delimiter: Buffer): AsyncGenerator<Uint8Array> {
  // An empty media part: its delimiter follows the blank line at once, without a line end of its own.
  let held = Buffer.concat([delimiter.subarray(0, delimiter.indexOf('-')), rest])
  let skip = held.length - rest.length
  try {
    for (;;) {
      const end = held.indexOf(delimiter)
      if (end !== -1) {
        if (end > skip) yield held.subarray(skip, end)
        return await checkEpilogue(held.subarray(end + delimiter.length), chunks)
      }
      const safe = held.length - delimiter.length
      if (safe > skip) {
        yield held.subarray(skip, safe)
        held = held.subarray(safe)
        skip = 0
      }
      const next = await chunks.next()
      if (next.done === true) throw new LockkeeperError('REQUEST_INVALID', 'The multipart upload ended without its closing boundary.')
      held = Buffer.concat([held, next.value])
    }
  } finally {
    await chunks.return(undefined)
  }
}

/** Bytes of white space that some clients send after the closing boundary. */
const MAX_EPILOGUE = 1024

async function checkEpilogue(rest: Buffer, chunks: AsyncIterator<Uint8Array>): Promise<void> {
  let tail = rest
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    tail = Buffer.concat([tail, next.value])
    if (tail.length > MAX_EPILOGUE) break
  }
  if (tail.length > MAX_EPILOGUE || !/^--[ \t]*(?:\r?\n\s*)?$/.test(tail.toString('latin1'))) throw new LockkeeperError('REQUEST_AMBIGUOUS', 'The multipart upload has more than two parts or something after them.')
}

function malformed(what: string): Refusal {
  return refuse('REQUEST_AMBIGUOUS', `The multipart upload is refused: ${what}. Nothing was sent.`)
}
