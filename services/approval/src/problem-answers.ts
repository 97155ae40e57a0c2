/** Answers of the admin listener: JSON, or problem+json where the service refuses. */
import { ERRORS, isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Response } from 'express'
import type { z } from 'zod'

export function send(response: Response, answer: object | Refusal): void {
  response.set('cache-control', 'no-store')
  if (!isRefusal(answer)) return void response.json(answer)
  const { http } = ERRORS[answer.reason]
  problem(response, http, answer.reason, answer.message)
}

/** RFC 9457. */
export function problem(response: Response, status: number, reason: string, detail: string): void {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: `https://lockkeeper.dev/errors/${reason}`, title: reason, status, detail }))
}

export function malformed(response: Response, error: z.ZodError): void {
  send(response, refusedBody(error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')))
}

export function refusedBody(message: string): Refusal {
  return refuse('REQUEST_INVALID', message)
}
