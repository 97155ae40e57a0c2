/** A refusal on the wire, as every Google client reads it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ERRORS, googleErrorBody, type Refusal } from '@lockkeeper/domain/errors'

export function sendRefusal(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(googleErrorBody(refusal))
  const headers = ['Content-Type', 'application/json; charset=UTF-8', 'Content-Length', String(body.length), 'Cache-Control', 'no-store', 'X-Lockkeeper-Reason', refusal.reason]
  if (ERRORS[refusal.reason].http === 401) headers.push('WWW-Authenticate', 'Bearer realm="lockkeeper", error="invalid_token"')
  // What is left of an unread body is not worth reading: the connection ends with the answer.
  if (!request.complete) headers.push('Connection', 'close')
  response.writeHead(ERRORS[refusal.reason].http, headers)
  response.end(request.method === 'HEAD' ? undefined : body)
}
