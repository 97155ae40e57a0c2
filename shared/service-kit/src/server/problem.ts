/** Errors of the services' own APIs: problem+json (RFC 9457) with the reason of the one table of errors. */
import { ERRORS, refuse, type ErrorReason, type Refusal } from '@lockkeeper/domain/errors'
import type { Response } from 'express'
import type { Fault } from './operation.ts'

export interface Problem {
  /** `https://lockkeeper.dev/errors/REASON`. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** Public text. */
  readonly detail: string
  readonly reason: ErrorReason
  /** True where the service itself decided so; absent where the request never reached the decision. */
  readonly verdict?: true
  readonly metadata?: Readonly<Record<string, string>>
  readonly links?: Refusal['links']
  /** Fields of the request that are wrong. */
  readonly errors?: readonly Fault[]
}

/** Private detail stays here: it goes into logs, never into an answer. */
export function problemOf({ reason, message, metadata, links }: Refusal): Problem {
  return { type: `https://lockkeeper.dev/errors/${reason}`, title: reason, status: ERRORS[reason].http, detail: message, reason, ...metadata === undefined ? {} : { metadata }, ...links === undefined ? {} : { links } }
}

export function sendProblem(response: Response, refusal: Refusal | ErrorReason, status?: number): void {
  const problem = problemOf(typeof refusal === 'string' ? refuse(refusal, ERRORS[refusal].help) : refusal)
  sendJson(response, status ?? problem.status, status === undefined ? problem : { ...problem, status }, 'application/problem+json')
}

/** A refusal that is the answer to what was asked; a client gives it on as one. */
export function sendVerdict(response: Response, refusal: Refusal): void {
  const problem: Problem = { ...problemOf(refusal), verdict: true }
  sendJson(response, problem.status, problem, 'application/problem+json')
}

/** REQUEST_INVALID, with each wrong field by its name. */
export function sendFaults(response: Response, faults: readonly Fault[]): void {
  const problem: Problem = { ...problemOf(refuse('REQUEST_INVALID', faults.map(({ name, detail }) => `${name}: ${detail}`).join('; '))), errors: faults }
  sendJson(response, problem.status, problem, 'application/problem+json')
}

function sendJson(response: Response, status: number, body: object, type: string): void {
  response.status(status).set('cache-control', 'no-store').type(type).send(JSON.stringify(body))
}
