/** The operations of the audit service, for the admin listener only (invariant 12). Errors: problem+json. */
import { once } from 'node:events'
import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import { LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { SENT, sendProblem, serve, type Asked } from '@lockkeeper/service-kit/server'
import { exportLog, proveRecord, searchRecords, showCheckpoint, showRecord, showSession, tailRecords, verifyLog } from './api/audit-operations.ts'
import type { AuditQueries } from './queries.ts'

/** Only here, so that other routers on the same listener keep their own errors. */
const PATH = '/v1/audit'

export function auditRoutes(queries: AuditQueries): Router {
  const router = express.Router()
  serve(router, searchRecords, async ({ query: { limit, cursor, ...filter } }) =>
    await queries.search(filter, { limit, ...cursor === undefined ? {} : { cursor } }) ?? refuse('REQUEST_INVALID', 'The cursor is none of this log\'s.'))
  serve(router, showRecord, async ({ params }) => await queries.show(params.id) ?? noRecord())
  serve(router, proveRecord, async ({ params }) => await queries.prove(params.id) ?? noRecord())
  serve(router, showSession, ({ params, query }) => queries.session(params.run, query))
  serve(router, tailRecords, async ({ query }, _request, response) => {
    await streamTail(queries, query, response)
    return SENT
  })
  serve(router, verifyLog, () => queries.verify())
  serve(router, showCheckpoint, async (_asked, _request, response) => {
    const checkpoint = await queries.checkpoint()
    if (checkpoint === undefined) return refuse('NOT_FOUND', 'The log is empty.')
    response.set('cache-control', 'no-store').type('text/plain').send(checkpoint)
    return SENT
  })
  serve(router, exportLog, ({ body }) => queries.exportLog(body.directory))
  router.use(PATH, failure)
  return router
}

/** One record a line. A reader that does not keep up is waited for. */
async function streamTail(queries: AuditQueries, { limit, follow, ...filter }: Asked<typeof tailRecords>['query'], response: Response): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.set('cache-control', 'no-store').type('application/x-ndjson').flushHeaders()
  for await (const record of queries.tail({ filter, limit, follow, signal: gone.signal })) {
    if (gone.signal.aborted) return
    if (!response.write(`${JSON.stringify(record)}\n`)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}

/** What express could not read is the caller's; what nobody foresaw goes on to the listener's own handler. */
const failure: ErrorRequestHandler = (cause: unknown, _request, response, next) => {
  if (response.headersSent) return void response.destroy()
  if (cause instanceof LockkeeperError) return sendProblem(response, cause.refusal)
  if (cause instanceof PortUnavailable) return sendProblem(response, refuse('AUDIT_UNAVAILABLE', 'The audit log cannot be read now.'))
  const { status } = cause as { readonly status?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500) return sendProblem(response, refuse('REQUEST_INVALID', status === 413 ? 'The body is too large.' : 'The request cannot be read.'), status)
  next(cause)
}

function noRecord() {
  return refuse('NOT_FOUND', 'There is no such record.')
}
