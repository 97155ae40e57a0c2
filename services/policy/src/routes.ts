/** `/v1/policy` and `/v1/policies` for the admin listener; never mounted on the agents' port (invariant 12). Errors: problem+json. */
import type { Log } from '@lockkeeper/service-kit'
import express, { type Router } from 'express'
import { z } from 'zod'
import { checkSet } from './check.ts'
import { explainQuestion, questionSchema } from './explain.ts'
import { sortTexts } from './policy-files.ts'
import type { PolicySource } from './policy-source.ts'
import { failure, faults, problem, send } from './problem-json.ts'
import { setRoutes, type SetRouteParts } from './set-routes.ts'
import type { TestOptions } from './test-folder.ts'

const filesSchema = z.strictObject({ files: z.record(z.string().min(1).max(255), z.string()).refine((files) => Object.keys(files).length <= 1_000, 'at most 1,000 files') })

export interface RouteParts extends Omit<SetRouteParts, 'source'> { readonly source: PolicySource, readonly options: TestOptions, readonly log: Log }

/**
 * GET /v1/policy/current: the bundle in force, problems and warnings of the newest set.
 * POST /v1/policy/check `{files: {NAME: YAML}}`: what the same texts would be told; nothing is published.
 * POST /v1/policy/explain `{agent, call}`: the decision by the last sound set, with every rule.
 * /v1/policies: whole sets (set-routes.ts).
 */
export function createRoutes(parts: RouteParts): Router {
  const { source, options, log } = parts
  const router = express.Router()
  router.use('/v1/policy', express.json({ limit: '16mb', strict: true }))
  router.get('/v1/policy/current', (_request, response) => { send(response, source.status()) })
  router.post('/v1/policy/check', async (request, response) => {
    const body = filesSchema.safeParse(request.body)
    if (!body.success) return problem(response, 'REQUEST_INVALID', faults(body.error))
    const { problems, warnings } = await checkSet(sortTexts(Object.entries(body.data.files).map(([file, text]) => ({ file, text }))), options)
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
  setRoutes(router, parts)
  router.use(failure(log))
  return router
}
