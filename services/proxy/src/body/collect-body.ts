/** A request body that must be seen whole before anything is decided. Bounded, and read for known agents only. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'

/** Whether a body follows, by the framing alone (RFC 9112 section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0')
}

/** Tells a client that waits with its body to send it (RFC 9110 section 10.1.1). */
export function invite(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect?.toLowerCase() === '100-continue' && !response.headersSent && !request.readableDidRead) response.writeContinue()
}

/** Ms within which a collected body must be complete. */
const COLLECT_WITHIN_MS = 60_000

/** All bytes, or BODY_TOO_LARGE_TO_INSPECT over `limit` bytes; a client that leaves in the middle or is too slow is REQUEST_INVALID. */
export function collectBody(request: IncomingMessage, response: ServerResponse, limit: number, withinMs: number = COLLECT_WITHIN_MS): Promise<Uint8Array | Refusal> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > limit) return Promise.resolve(tooLarge(limit))
  // One that has left already will not say so again.
  if (request.destroyed) return Promise.resolve(INCOMPLETE)
  invite(request, response)
  const { promise, resolve } = Promise.withResolvers<Uint8Array | Refusal>()
  const chunks: Buffer[] = []
  let size = 0
  const finish = (result: Uint8Array | Refusal): void => {
    clearTimeout(timer)
    request.off('data', take).off('end', end).off('error', broken).off('close', broken)
    resolve(result)
  }
  const take = (chunk: Buffer): void => {
    size += chunk.length
    if (size > limit) finish(tooLarge(limit))
    else chunks.push(chunk)
  }
  const end = (): void => finish(chunks.length === 1 ? chunks[0] as Buffer : Buffer.concat(chunks, size))
  const broken = (): void => finish(INCOMPLETE)
  const timer = setTimeout(() => finish(refuse('REQUEST_INVALID', `The body was not complete within ${withinMs} ms. Nothing was sent.`)), withinMs)
  request.on('data', take).once('end', end).once('error', broken).once('close', broken)
  return promise
}

const INCOMPLETE = refuse('REQUEST_INVALID', 'The body ended before it was complete. Nothing was sent.')

function tooLarge(limit: number): Refusal {
  return refuse('BODY_TOO_LARGE_TO_INSPECT', {
    message: `The body must be inspected and is over ${limit} bytes (limits.inspectBody). Nothing was sent; send a smaller one, or large content as a media upload.`,
    metadata: { limit: String(limit) },
  })
}
