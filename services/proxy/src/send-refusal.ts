/** A refusal on the wire, as every Google client reads it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ERRORS, googleErrorBody, type Refusal } from '@lockkeeper/domain/errors'
import { isGrpc } from './doors/grpc.ts'

/** A client that is still sending has so many ms, and so many bytes, to finish and read the answer before the connection ends. */
const LINGER_MS = 2000
const LINGER_BYTES = 16 * 1024 * 1024

/** Where an answer has begun already it is broken off: its end must not look like a whole one. */
export function sendRefusal(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy()
    return
  }
  if (response.destroyed) return
  if (request.httpVersionMajor === 2 && isGrpc(request.headers['content-type'])) return void response.writeHead(200, grpcHead(refusal)).end()
  const body = Buffer.from(googleErrorBody(refusal))
  const headers = ['Content-Type', 'application/json; charset=UTF-8', 'Content-Length', String(body.length), 'Cache-Control', 'no-store', 'X-Lockkeeper-Reason', refusal.reason]
  if (ERRORS[refusal.reason].http === 401) headers.push('WWW-Authenticate', 'Bearer realm="lockkeeper", error="invalid_token"')
  endAnswer(request, response, ERRORS[refusal.reason].http, headers, request.method === 'HEAD' ? undefined : body)
}

/** gRPC's Trailers-Only form (github.com/grpc/grpc, PROTOCOL-HTTP2.md): status and text in the one head that there is. */
function grpcHead({ reason, message }: Refusal): string[] {
  const status = reason === 'METHOD_UNKNOWN' ? UNIMPLEMENTED : ERRORS[reason].grpc
  const text = encodeURIComponent(`${reason} (lockkeeper.dev): ${message}`).replaceAll('%20', ' ')
  return ['content-type', 'application/grpc', 'grpc-status', String(status), 'grpc-message', text, 'x-lockkeeper-reason', reason]
}

/** What gRPC says of a method that is not there. */
const UNIMPLEMENTED = 12

/** Writes an answer whose length its headers tell, and ends it. */
function endAnswer(request: IncomingMessage, response: ServerResponse, status: number, headers: readonly string[], body: Uint8Array | undefined): void {
  response.writeHead(status, request.complete ? [...headers] : [...headers, 'Connection', 'close'])
  if (body !== undefined) response.write(body)
  endWhenRead(request, response)
}

/**
 * Ends an answer that is written. While its request is still coming, the connection is not closed at once: a socket that is closed
 * with unread bytes in it is reset, and the client would see the reset instead of the answer. Such an answer has said `Connection: close`.
 */
export function endWhenRead(request: IncomingMessage, response: ServerResponse): void {
  // A client that waits to be invited sends nothing more.
  const invited = request.headers.expect === undefined || request.readableDidRead
  if (request.complete || request.destroyed || !invited) return void response.end()
  let discarded = 0
  const end = (): void => {
    clearTimeout(timer)
    request.off('data', discard).off('end', end).off('close', end)
    response.end()
  }
  const discard = (chunk: Buffer): void => {
    discarded += chunk.length
    if (discarded > LINGER_BYTES) end()
  }
  const timer = setTimeout(end, LINGER_MS)
  // Whoever began to read it reads no more, and a reader that waits would keep the bytes from flowing.
  request.removeAllListeners('readable')
  request.on('data', discard).once('end', end).once('close', end)
  request.resume()
}
