/** Bodies of the services' own APIs: bounded, parsed once, strictly (no repeated keys, no lone surrogates). */
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { parseStrict, toPlain } from '@lockkeeper/domain/json'
import express, { type RequestHandler } from 'express'
import { sendProblem } from './problem.ts'

/** Bytes of a body where nothing else is said. */
export const BODY_BYTES = 1024 * 1024

/** `request.body` becomes the bytes, of any content type; compressed bodies are refused. */
export function rawBody(limit = BODY_BYTES): RequestHandler {
  return express.raw({ type: () => true, limit, inflate: false })
}

/** `request.body` becomes the parsed JSON. Of large bodies (over 1 MiB) prefer `rawBody` with a frame: parsing blocks the process. */
export function strictJson(limit = BODY_BYTES): readonly RequestHandler[] {
  return [rawBody(limit), (request, response, next) => {
    const parsed = Buffer.isBuffer(request.body) ? parseStrict(request.body) : refuse('REQUEST_INVALID', 'The request needs a JSON body.')
    if (isRefusal(parsed)) return sendProblem(response, parsed)
    request.body = toPlain(parsed)
    next()
  }]
}
