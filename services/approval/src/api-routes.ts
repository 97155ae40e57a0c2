/**
 * ApprovalApi over HTTP, for proxies in other processes. A refusal that the service decided carries `verdict: true`; anything else that
 * is no success says only that nothing was decided. Stored answers travel as frames.
 */
import { isRefusal } from '@lockkeeper/domain/errors'
import type { ApprovalApi, Outcome } from '@lockkeeper/domain/ports'
import { frame, FRAME_TYPE, SENT, serve, type Asked } from '@lockkeeper/service-kit/server'
import express, { type Router } from 'express'
import { claimApproval, completeClaim, noteDelivery, readReceipt } from './api/proxy-operations.ts'

export { API_PATH } from './api/proxy-operations.ts'

export function createApiRoutes(api: ApprovalApi): Router {
  const router = express.Router({ caseSensitive: true })
  serve(router, claimApproval, ({ body }) => api.claim(body))
  serve(router, completeClaim, ({ body, bytes }) => api.complete({ ...body, outcome: outcomeOf(body.outcome, bytes) }))
  serve(router, readReceipt, async ({ body }, _request, response) => {
    const answer = await api.receipt(body)
    if (isRefusal(answer)) return answer
    const { body: bytes, ...facts } = answer
    response.set('cache-control', 'no-store').type(FRAME_TYPE).send(frame(facts, bytes))
    return SENT
  })
  serve(router, noteDelivery, async ({ body }) => {
    await api.delivered(body)
    return undefined
  })
  return router
}

function outcomeOf(outcome: Asked<typeof completeClaim>['body']['outcome'], body: Buffer): Outcome {
  if (outcome.kind !== 'answered') return outcome
  const { answer, ...rest } = outcome
  return answer === undefined ? rest : { ...rest, answer: { ...answer, body } }
}
