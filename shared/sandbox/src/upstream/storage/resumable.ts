/** The chunks of a resumable upload session (PUT with Content-Range). */
import { GoogleError, invalid, notFound } from '../google-error.ts'
import type { Answer, Exchange } from '../routes.ts'
import type { World } from '../world.ts'
import { putObject } from './objects.ts'
import { showObject } from './resources.ts'
import { MOST_SESSION_BYTES } from './state.ts'
import type { UploadSession } from './state.ts'
import { declaredSums } from './declared-sums.ts'

/** All chunks but the last come in multiples of this many bytes. */
const QUANTUM = 256 * 1024

interface ContentRange {
  /** Undefined for a status query (`bytes *` + `/…`). */
  readonly start: number | undefined
  readonly end: number | undefined
  readonly total: number | undefined
}

export function receiveChunk(world: World, exchange: Exchange): Answer {
  const id = exchange.query.get('upload_id') ?? ''
  const session = world.storage.uploads.get(id)
  if (session === undefined || session.bucket !== exchange.params.bucket) throw notFound('Upload session not found.')
  if (session.finished !== undefined) return { json: showObject(session.finished, exchange.query.get('projection')) }
  const range = contentRange(exchange.headers['content-range'])
  if (range?.total !== undefined && session.size !== undefined && range.total !== session.size) throw invalid(`Invalid request. The upload's size was declared as ${session.size} bytes.`)
  const received = range?.start === undefined && range !== undefined ? session : extend(session, range?.start ?? 0, exchange)
  const total = range?.total ?? (range === undefined ? received.persisted : isStreamed(range) && exchange.complete ? received.persisted : session.size)
  const kept = { ...received, size: range?.total ?? session.size }
  world.storage.uploads.set(id, kept)
  if (total === undefined || kept.persisted < total || !exchange.complete) return incomplete(kept)
  if (kept.persisted > total) throw invalid(`Invalid request. ${kept.persisted} bytes were sent of an upload of ${total}.`)
  return finish(world, id, kept, exchange)
}

/** `bytes 0-*` + `/*`: everything to the end in one request of unknown length. */
function isStreamed(range: ContentRange): boolean {
  return range.start !== undefined && range.end === undefined && range.total === undefined
}

function extend(session: UploadSession, start: number, { body, complete }: Exchange): UploadSession {
  if (start > session.persisted) {
    throw new GoogleError(400, 'invalid', `Invalid request. According to the Content-Range header, the upload offset is ${start} byte(s), which exceeds already uploaded size of ${session.persisted} byte(s).`)
  }
  const fresh = body.subarray(Math.min(session.persisted - start, body.length))
  // Of a request that broke off, only whole quanta are kept, as Cloud Storage does.
  const size = complete ? fresh.length : Math.floor(fresh.length / QUANTUM) * QUANTUM
  if (session.persisted + size > MOST_SESSION_BYTES) throw new GoogleError(413, 'uploadTooLarge', `The sandbox takes at most ${MOST_SESSION_BYTES} bytes in one upload.`)
  return { ...session, chunks: [...session.chunks, fresh.subarray(0, size)], persisted: session.persisted + size }
}

function incomplete(session: UploadSession): Answer {
  const headers: Record<string, string> = session.persisted === 0 ? {} : { range: `bytes=0-${session.persisted - 1}` }
  return { status: 308, headers }
}

function finish(world: World, id: string, session: UploadSession, exchange: Exchange): Answer {
  const metadata = { ...session.metadata, ...declaredSums(exchange.headers['x-goog-hash']) }
  const object = putObject(world, session.bucket, session.name, Buffer.concat(session.chunks), metadata, session.query)
  world.storage.uploads.set(id, { ...session, chunks: [], finished: object })
  return { json: showObject(object, session.query.get('projection')) }
}

/** Undefined when the header is absent: the body is the whole content. */
function contentRange(header: string | undefined): ContentRange | undefined {
  if (header === undefined) return undefined
  const found = /^bytes (?:(\d{1,15})-(\d{1,15}|\*)|\*)\/(\d{1,15}|\*)$/.exec(header.trim())
  if (found === null) throw invalid(`Failed to parse Content-Range header: ${header}`)
  const number = (text: string | undefined): number | undefined => text === undefined || text === '*' ? undefined : Number(text)
  return { start: number(found[1]), end: number(found[2]), total: number(found[3]) }
}
