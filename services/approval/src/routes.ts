/** `/v1/approvals`, `/v1/grants`, `/v1/reviews`, `/v1/load` and `/v1/locks` for the admin listener; never mounted on the agents' port (invariant 12). Errors: problem+json. */
import { isRefusal, LockkeeperError } from '@lockkeeper/domain/errors'
import type { Log } from '@lockkeeper/service-kit'
import express, { type ErrorRequestHandler, type Request, type Router } from 'express'
import { z } from 'zod'
import type { ApprovalAdmin, ListFilter } from './admin.ts'
import { renderDetailText } from './detail-text.ts'
import { addConsoleRoutes, CONSOLE_PATHS } from './console-routes.ts'
import { withOperator } from './named-operator.ts'
import type { Passkeys } from './passkeys.ts'
import { malformed, problem, refusedBody, send } from './problem-answers.ts'

const listQuery = z.strictObject({
  state: z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled', 'claimed', 'answered', 'unknown']).optional(),
  agent: z.string().max(512).optional(),
  run: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
  cursor: z.string().max(2048).optional(),
})
const grantsQuery = z.strictObject({ all: z.stringbool().optional(), limit: z.coerce.number().int().min(1).max(200).optional(), cursor: z.string().max(2048).optional() })
const loadQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(90).optional() })
const reviewsQuery = z.strictObject({ open: z.stringbool().optional() })
const who = z.strictObject({ by: z.string().min(1).max(200), reason: z.string().min(1).max(1000) })

/** Only here, so that other routers on the same listener keep their own limits and errors. */
const PATHS = ['/v1/approvals', '/v1/grants', '/v1/reviews', '/v1/load', '/v1/locks', ...CONSOLE_PATHS]

export function createRoutes(admin: ApprovalAdmin, passkeys: Passkeys, now: () => number, log: Log): Router {
  const router = express.Router()
  router.use(PATHS, express.json({ limit: '64kb', strict: true }))
  router.get('/v1/approvals', async (request, response) => {
    const filter = listQuery.safeParse(request.query)
    if (!filter.success) return malformed(response, filter.error)
    send(response, await admin.list(filter.data as ListFilter))
  })
  router.get('/v1/approvals/:id', async (request, response) => {
    const detail = await admin.show(request.params.id)
    if (isRefusal(detail) || request.accepts(['json', 'text']) !== 'text') return send(response, detail)
    response.type('text/plain').send(renderDetailText(detail))
  })
  router.post('/v1/approvals/:id/decisions', async (request, response) => {
    const decision: unknown = request.body
    if (typeof decision !== 'object' || decision === null) return send(response, refusedBody('The body is no decision.'))
    send(response, await admin.decide({ ...decision, approval: request.params.id }))
  })
  router.post('/v1/approvals/:id/revoke', async (request, response) => {
    const body = who.safeParse(withOperator(request))
    if (!body.success) return malformed(response, body.error)
    send(response, await admin.revoke({ id: request.params.id, ...body.data }))
  })
  addGrantRoutes(router, admin)
  addConsoleRoutes(router, admin, passkeys, now)
  router.get('/v1/load', async (request, response) => {
    const query = loadQuery.safeParse(request.query)
    if (!query.success) return malformed(response, query.error)
    send(response, await admin.load(query.data.days))
  })
  router.get('/v1/locks', async (_request, response) => send(response, { locks: await admin.listLocks() }))
  router.post('/v1/locks', async (request, response) => send(response, await admin.setLock(withOperator(request) as Parameters<ApprovalAdmin['setLock']>[0])))
  router.post('/v1/locks/:id/lift', async (request: Request<{ id: string }>, response) => {
    const body = who.safeParse(withOperator(request as Request))
    if (!body.success) return malformed(response, body.error)
    send(response, await admin.liftLock({ id: request.params.id, ...body.data }))
  })
  router.use(PATHS, failure(log))
  return router
}

function addGrantRoutes(router: Router, admin: ApprovalAdmin): void {
  router.get('/v1/grants', async (request, response) => {
    const filter = grantsQuery.safeParse(request.query)
    if (!filter.success) return malformed(response, filter.error)
    send(response, await admin.listGrants(filter.data as Parameters<ApprovalAdmin['listGrants']>[0]))
  })
  router.get('/v1/grants/:id', async (request, response) => send(response, await admin.showGrant(request.params.id)))
  router.post('/v1/grants/:id/revoke', async (request, response) => {
    const body = who.safeParse(withOperator(request))
    if (!body.success) return malformed(response, body.error)
    send(response, await admin.revokeGrant({ id: request.params.id, ...body.data }))
  })
  router.get('/v1/reviews', async (request, response) => {
    const filter = reviewsQuery.safeParse(request.query)
    if (!filter.success) return malformed(response, filter.error)
    send(response, { reviews: await admin.listReviews(filter.data as Parameters<ApprovalAdmin['listReviews']>[0]) })
  })
  router.post('/v1/reviews/:id/close', async (request, response) => {
    const closing: unknown = request.body
    if (typeof closing !== 'object' || closing === null) return send(response, refusedBody('The body closes no review.'))
    send(response, await admin.closeReview({ ...closing, review: request.params.id }))
  })
}

/** What express could not read is the caller's; the rest is ours and its text stays here. */
function failure(log: Log): ErrorRequestHandler {
  return (cause: unknown, _request, response, next) => {
    if (response.headersSent) return next(cause)
    if (cause instanceof LockkeeperError) return send(response, cause.refusal)
    const status = (cause as { readonly status?: unknown }).status
    if (typeof status === 'number' && status >= 400 && status < 500) return problem(response, status, 'REQUEST_INVALID', 'The body cannot be read as JSON of at most 64 KiB.')
    log.error({ err: cause }, 'an admin request failed')
    problem(response, 503, 'APPROVAL_UNAVAILABLE', 'The approval service cannot answer now.')
  }
}
