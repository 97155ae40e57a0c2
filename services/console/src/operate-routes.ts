/** What operators do: the kill switch, and ending grants. Each carries the person's name to the approval service. */
import { refuse } from '@lockkeeper/domain/errors'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'
import { z } from 'zod'
import { answer, give } from './answers.ts'
import { requireOperator, signedInOf } from './api-session.ts'
import { EVERYTHING } from './confirm-word.ts'
import type { ServiceApi } from './service-api.ts'

const named = z.string().trim().min(1).max(512)
const reason = z.string().trim().min(1).max(1000)
const scope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everything') }), z.strictObject({ kind: z.literal('agent'), agent: named }),
  z.strictObject({ kind: z.literal('run'), run: named }), z.strictObject({ kind: z.literal('target'), target: named }),
])
export const locking = z.strictObject({ scope, reason, forMs: z.int().min(60_000).max(365 * 86_400_000).optional(), confirm: z.string().max(64).optional() })
export const ending = z.strictObject({ reason })

export function addOperateRoutes(router: Router, approval: ServiceApi, now: () => number): void {
  router.post('/api/locks', requireOperator, answer(async (request, response) => {
    const { forMs, confirm, ...lock } = locking.parse(request.body)
    if (lock.scope.kind === 'everything' && confirm !== EVERYTHING) return sendProblem(response, refuse('REQUEST_INVALID', `This stops every agent: type ${EVERYTHING} to do it.`))
    give(response, await approval.call({ method: 'POST', path: '/v1/locks', body: { ...lock, by: signedInOf(request).person.id, ...forMs === undefined ? {} : { until: now() + forMs } } }))
  }))
  const ends = (path: string, there: (id: string) => string): void => void router.post(path, requireOperator, answer(async (request, response) => {
    const body = { ...ending.parse(request.body), by: signedInOf(request).person.id }
    give(response, await approval.call({ method: 'POST', path: there(encodeURIComponent(String(request.params['id']))), body }))
  }))
  ends('/api/locks/:id/lift', (id) => `/v1/locks/${id}/lift`)
  ends('/api/grants/:id/revoke', (id) => `/v1/grants/${id}/revoke`)
  ends('/api/approvals/:id/revoke', (id) => `/v1/approvals/${id}/revoke`)
}
