/** HTTP of the audit service, for the admin listener only. Errors are problem+json (RFC 9457). */
import { once } from 'node:events'
import { isAbsolute } from 'node:path'
import express, { type Request, type Response, type Router } from 'express'
import { ERRORS, LockkeeperError, type ErrorReason } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { z } from 'zod'
import type { AuditQueries } from './queries.ts'
import { recordFilter } from './record-filter.ts'

const time = z.string().transform((text, context) => {
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isFinite(at)) return at
  context.addIssue({ code: 'custom', message: 'must be epoch ms or RFC 3339' })
  return z.NEVER
})
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
const filterQuery = { ...recordFilter.shape, from: time.optional(), to: time.optional() }
const searchQuery = z.strictObject({ ...filterQuery, limit: z.coerce.number().int().min(1).max(1_000).default(100), cursor: z.string().optional() })
const tailQuery = z.strictObject({ ...filterQuery, limit: z.coerce.number().int().min(0).max(1_000).default(20), follow: flag.default(false) })
/** Of this machine: the admin listener is reached by who may write there. */
const exportBody = z.strictObject({ directory: z.string().min(1).max(4_096).refine((path) => isAbsolute(path), 'must be an absolute path') })
const sessionQuery = z.strictObject({ agent: z.string().optional(), bodies: flag.default(false) })

export function auditRoutes(queries: AuditQueries): Router {
  const router = express.Router()
  router.get('/v1/audit/records', answer(async (request, response) => {
    const { limit, cursor, ...filter } = searchQuery.parse(request.query)
    const page = await queries.search(filter, { limit, ...(cursor === undefined ? {} : { cursor }) })
    if (page === undefined) return problem(response, 'REQUEST_INVALID', 'The cursor is none of this log\'s.')
    response.json(page)
  }))
  router.get('/v1/audit/records/:id', answer(async (request, response) => {
    const view = await queries.show(String(request.params['id']))
    if (view === undefined) return problem(response, 'NOT_FOUND', 'There is no such record.')
    response.json(view)
  }))
  router.get('/v1/audit/records/:id/proof', answer(async (request, response) => {
    const proof = await queries.prove(String(request.params['id']))
    if (proof === undefined) return problem(response, 'NOT_FOUND', 'There is no such record.')
    response.json(proof)
  }))
  router.get('/v1/audit/sessions/:run', answer(async (request, response) => {
    const { agent, bodies } = sessionQuery.parse(request.query)
    response.json(await queries.session(String(request.params['run']), { bodies, ...(agent === undefined ? {} : { agent }) }))
  }))
  router.get('/v1/audit/tail', answer((request, response) => streamTail(queries, request, response)))
  router.get('/v1/audit/verify', answer(async (_request, response) => { response.json(await queries.verify()) }))
  router.get('/v1/audit/checkpoint', answer(async (_request, response) => {
    const checkpoint = await queries.checkpoint()
    if (checkpoint === undefined) return problem(response, 'NOT_FOUND', 'The log is empty.')
    response.type('text/plain').send(checkpoint)
  }))
  router.post('/v1/audit/export', express.json({ limit: '16kb' }), answer(async (request, response) => {
    response.json(await queries.exportLog(exportBody.parse(request.body).directory))
  }))
  return router
}

/** One record a line. A reader that does not keep up is waited for. */
async function streamTail(queries: AuditQueries, request: Request, response: Response): Promise<void> {
  const { limit, follow, ...filter } = tailQuery.parse(request.query)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.type('application/x-ndjson').flushHeaders()
  for await (const record of queries.tail({ filter, limit, follow, signal: gone.signal })) {
    if (gone.signal.aborted) return
    if (!response.write(`${JSON.stringify(record)}\n`)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}

function answer(handle: (request: Request, response: Response) => Promise<void>) {
  return (request: Request, response: Response, next: (error: unknown) => void): void => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else if (error instanceof z.ZodError) problem(response, 'REQUEST_INVALID', error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
      else if (error instanceof LockkeeperError) problem(response, error.reason, error.message)
      else if (error instanceof PortUnavailable) problem(response, 'AUDIT_UNAVAILABLE', 'The audit log cannot be read now.')
      else next(error)
    })
  }
}

function problem(response: Response, reason: ErrorReason, detail: string): void {
  const { http, help } = ERRORS[reason]
  response.status(http).type('application/problem+json').send(JSON.stringify({ type: `https://lockkeeper.dev/errors/${reason}`, title: help, status: http, detail, reason }))
}
