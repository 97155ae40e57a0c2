/** Gives on what another service answered, in its own words. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { z } from 'zod'
import type { ServiceAnswer } from './service-api.ts'

export function give(response: Response, { status, body }: ServiceAnswer): void {
  response.status(status).type(status >= 400 ? 'application/problem+json' : 'application/json').send(JSON.stringify(body))
}

/** `tell`: how an outage is said where a person looks at the answer itself. */
type Tell = (response: Response, refusal: Refusal) => void

/** Malformed input is the page's fault, an outage nobody's; the rest goes to the server's own handler. */
export function answer(handle: (request: Request, response: Response) => Promise<void>, tell: Tell = sendProblem): RequestHandler {
  return (request, response, next) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy()
      if (error instanceof z.ZodError) return sendProblem(response, refuse('REQUEST_INVALID', error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')))
      unavailable(response, next, tell)(error)
    })
  }
}

/** An outage is told in words, whichever part it is of; the rest goes to the server's own handler. */
export function unavailable(response: Response, next: NextFunction, tell: Tell = sendProblem): (error: unknown) => void {
  return (error) => error instanceof PortUnavailable
    ? tell(response, refuse('APPROVAL_UNAVAILABLE', 'A service behind the console does not answer now. Nothing was changed by this request as far as the console knows; look again in a moment.'))
    : next(error)
}
