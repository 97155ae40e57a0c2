/** The operations of the admin listener; never mounted on the agents' port (invariant 12). Errors: problem+json. */
import { isRefusal, LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import type { Log } from '@lockkeeper/service-kit'
import { SENT, sendProblem, serve } from '@lockkeeper/service-kit/server'
import express, { type ErrorRequestHandler, type Router } from 'express'
import type { ApprovalAdmin } from './admin.ts'
import { decideApproval, listApprovals, revokeApproval, showApproval } from './api/approval-operations.ts'
import { closeReview, listGrants, listReviews, revokeGrant, showGrant, showLoad } from './api/grant-operations.ts'
import { liftLock, listLocks, setLock } from './api/lock-operations.ts'
import { renderDetailText } from './detail-text.ts'
import { addConsoleRoutes, CONSOLE_PATHS } from './console-routes.ts'
import { operatorOf } from './named-operator.ts'
import type { Passkeys } from './passkeys.ts'

/** Only here, so that other routers on the same listener keep their own errors. */
const PATHS = ['/v1/approvals', '/v1/grants', '/v1/reviews', '/v1/load', '/v1/locks', ...CONSOLE_PATHS]

export function createRoutes(admin: ApprovalAdmin, passkeys: Passkeys, now: () => number, log: Log): Router {
  const router = express.Router()
  serve(router, listApprovals, ({ query }) => admin.list(query))
  serve(router, showApproval, async ({ params }, request, response) => {
    const detail = await admin.show(params.id)
    if (isRefusal(detail) || request.accepts(['json', 'text']) !== 'text') return detail
    response.set('cache-control', 'no-store').type('text/plain').send(renderDetailText(detail))
    return SENT
  })
  serve(router, decideApproval, ({ params, body }) => admin.decide({ ...body, approval: params.id }))
  serve(router, revokeApproval, ({ params: { id }, body: { by: said, reason } }, request) => {
    const by = operatorOf(request, said)
    return isRefusal(by) ? by : admin.revoke({ id, by, reason })
  })
  addGrantRoutes(router, admin)
  addLockRoutes(router, admin)
  addConsoleRoutes(router, admin, passkeys, now)
  router.use(PATHS, failure(log))
  return router
}

function addGrantRoutes(router: Router, admin: ApprovalAdmin): void {
  serve(router, listGrants, ({ query }) => admin.listGrants(query))
  serve(router, showGrant, ({ params }) => admin.showGrant(params.id))
  serve(router, revokeGrant, ({ params: { id }, body: { by: said, reason } }, request) => {
    const by = operatorOf(request, said)
    return isRefusal(by) ? by : admin.revokeGrant({ id, by, reason })
  })
  serve(router, listReviews, async ({ query }) => ({ reviews: await admin.listReviews(query) }))
  serve(router, closeReview, ({ params, body: { note, proof } }) => admin.closeReview({ review: params.id, note, proof }))
  serve(router, showLoad, ({ query }) => admin.load(query.days))
}

function addLockRoutes(router: Router, admin: ApprovalAdmin): void {
  serve(router, listLocks, async () => ({ locks: await admin.listLocks() }))
  serve(router, setLock, ({ body: { by: said, ...lock } }, request) => {
    const by = operatorOf(request, said)
    return isRefusal(by) ? by : admin.setLock({ ...lock, by })
  })
  serve(router, liftLock, ({ params: { id }, body: { by: said, reason } }, request) => {
    const by = operatorOf(request, said)
    return isRefusal(by) ? by : admin.liftLock({ id, by, reason })
  })
}

/** What express could not read is the caller's; the rest is ours and its text stays here. */
function failure(log: Log): ErrorRequestHandler {
  return (cause: unknown, _request, response, next) => {
    if (response.headersSent) return next(cause)
    if (cause instanceof LockkeeperError) return sendProblem(response, cause.refusal)
    const status = (cause as { readonly status?: unknown }).status
    if (typeof status === 'number' && status >= 400 && status < 500) return sendProblem(response, refuse('REQUEST_INVALID', status === 413 ? 'The body is too large.' : 'The request cannot be read.'), status)
    log.error({ err: cause }, 'an admin request failed')
    sendProblem(response, refuse('APPROVAL_UNAVAILABLE', 'The approval service cannot answer now.'))
  }
}
