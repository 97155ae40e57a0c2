/** Problems of the policy routes whose status is not their reason's or that have members of their own, and what else can go wrong. */
import { LockkeeperError, refuse, type ErrorReason } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { problemOf, SENT, sendProblem, type Sent } from '@lockkeeper/service-kit/server'
import type { ErrorRequestHandler, Response } from 'express'

/** `more`: members besides the standard's. */
export function problem(response: Response, reason: ErrorReason, detail: string, status: number, more: object = {}): Sent {
  response.status(status).set('cache-control', 'no-store').type('application/problem+json').send(JSON.stringify({ ...problemOf(refuse(reason, detail)), status, ...more }))
  return SENT
}

export function failure(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status } = error as { status?: unknown }
    // body-parser marks what the client did wrong.
    if (typeof status === 'number' && status >= 400 && status < 500) return sendProblem(response, refuse('REQUEST_INVALID', status === 413 ? 'The body is too large.' : 'The request cannot be read.'), status)
    if (error instanceof LockkeeperError) return sendProblem(response, error.refusal)
    log.error({ err: error }, 'a policy request failed')
    if (error instanceof PortUnavailable) return sendProblem(response, refuse('INTERNAL', 'The store cannot be reached. Nothing was changed; try again in a moment.'), 503)
    sendProblem(response, refuse('INTERNAL', 'The gateway failed; its log says how.'))
  }
}
