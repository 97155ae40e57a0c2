/** `/v1/policy` for the admin listener; never mounted on the agents' port (invariant 12). Errors: problem+json. */
import { ERRORS, type ErrorReason } from '@lockkeeper/domain/errors'
import type { Log } from '@lockkeeper/service-kit'
import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import { z } from 'zod'
import { checkFiles } from './check.ts'
import { explainQuestion, questionSchema } from './explain.ts'
import type { PolicySource } from './policy-source.ts'
import type { TestOptions } from './test-folder.ts'

const filesSchema = z.strictObject({ files: z.record(z.string().min(1).max(255), z.string()).refine((files) => Object.keys(files).length <= 1_000, 'at most 1,000 files') })

export interface RouteParts { readonly source: PolicySource, readonly options: TestOptions, readonly log: Log }

/**
 * GET /v1/policy/current: the bundle in force, problems and warnings of the folder.
 * POST /v1/policy/check `{files: {NAME: YAML}}`: what the same texts would be told; nothing is published.
 * POST /v1/policy/explain `{agent, call}`: the decision by the folder's last sound state, with every rule.
 */
export function createRoutes({ source, options, log }: RouteParts): Router {
  const router = express.Router()
  router.use('/v1/policy', express.json({ limit: '16mb', strict: true }))
  router.get('/v1/policy/current', (_request, response) => { send(response, source.status()) })
  router.post('/v1/policy/check', async (request, response) => {
    const body = filesSchema.safeParse(request.body)
    if (!body.success) return problem(response, 'REQUEST_INVALID', faults(body.error))
    const { problems, warnings } = await checkFiles(Object.entries(body.data.files).map(([file, text]) => ({ file, text })), options)
    send(response, { problems, warnings })
  })
  router.post('/v1/policy/explain', (request, response) => {
    const body = questionSchema.safeParse(request.body)
    if (!body.success) return problem(response, 'REQUEST_INVALID', faults(body.error))
    const policy = source.policy()
    if (policy === undefined) return problem(response, 'POLICY_STALE', 'No policy has been read yet that is sound.')
    const explained = explainQuestion(policy, body.data, options)
    if ('problem' in explained) return problem(response, 'REQUEST_INVALID', explained.problem)
    send(response, explained)
  })
  router.use(failure(log))
  return router
}

function send(response: Response, answer: object): void {
  response.set('cache-control', 'no-store').json(answer)
}

function faults(error: z.ZodError): string {
  return error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

/** RFC 9457. */
function problem(response: Response, reason: ErrorReason, detail: string, status: number = ERRORS[reason].http): void {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: `https://lockkeeper.dev/errors/${reason}`, title: reason, status, detail }))
}

function failure(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, type } = error as { status?: unknown, type?: unknown }
    // body-parser marks what the client did wrong.
    if (typeof status === 'number' && status >= 400 && status < 500) return problem(response, 'REQUEST_INVALID', `The body is refused: ${String(type ?? 'malformed')}.`, status)
    log.error({ err: error }, 'a policy request failed')
    problem(response, 'INTERNAL', 'The gateway failed; its log says how.')
  }
}
