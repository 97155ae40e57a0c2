/** Answers of the admin routes: JSON, and RFC 9457 problems with the reasons of the one table of errors. */
import { ERRORS, LockkeeperError, type ErrorReason } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { ErrorRequestHandler, Response } from 'express'
import type { z } from 'zod'

export function send(response: Response, answer: object): void {
  response.set('cache-control', 'no-store').json(answer)
}

export function faults(error: z.ZodError): string {
  return error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

/** `more`: members besides the standard's. */
export function problem(response: Response, reason: ErrorReason, detail: string, status: number = ERRORS[reason].http, more: object = {}): void {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: `https://lockkeeper.dev/errors/${reason}`, title: reason, status, detail, ...more }))
}

export function failure(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, type } = error as { status?: unknown, type?: unknown }
    // body-parser marks what the client did wrong.
    if (typeof status === 'number' && status >= 400 && status < 500) return problem(response, 'REQUEST_INVALID', `The body is refused: ${String(type ?? 'malformed')}.`, status)
    if (error instanceof LockkeeperError) return problem(response, error.reason, error.message)
    log.error({ err: error }, 'a policy request failed')
    if (error instanceof PortUnavailable) return problem(response, 'INTERNAL', 'The store cannot be reached. Nothing was changed; try again in a moment.', 503)
    problem(response, 'INTERNAL', 'The gateway failed; its log says how.')
  }
}
