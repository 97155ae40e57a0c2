/** The operations of the admin listener; never mounted on the agents' port (invariant 12). Errors: problem+json. */
import { refuse } from '@lockkeeper/domain/errors'
import type { Log } from '@lockkeeper/service-kit'
import { serve } from '@lockkeeper/service-kit/server'
import express, { type Router } from 'express'
import { checkPolicies, explainCall, showCurrent } from './api/policy-operations.ts'
import { checkSet } from './check.ts'
import { explainQuestion, type Question } from './explain.ts'
import { sortTexts } from './policy-files.ts'
import type { PolicySource } from './policy-source.ts'
import { failure } from './problem-json.ts'
import { setRoutes, type SetRouteParts } from './set-routes.ts'
import type { TestOptions } from './test-folder.ts'

export interface RouteParts extends Omit<SetRouteParts, 'source'> { readonly source: PolicySource, readonly options: TestOptions, readonly log: Log }

/** Only here, so that other routers on the same listener keep their own errors. */
const PATHS = ['/v1/policy', '/v1/policies']

export function createRoutes(parts: RouteParts): Router {
  const { source, options, log } = parts
  const router = express.Router()
  serve(router, showCurrent, () => source.status())
  serve(router, checkPolicies, async ({ body }) => {
    const { problems, warnings } = await checkSet(sortTexts(Object.entries(body.files).map(([file, text]) => ({ file, text }))), options)
    return { problems, warnings }
  })
  serve(router, explainCall, ({ body }) => {
    const policy = source.policy()
    if (policy === undefined) return refuse('POLICY_STALE', 'No policy has been read yet that is sound.')
    const explained = explainQuestion(policy, body as Question, options)
    return 'problem' in explained ? refuse('REQUEST_INVALID', explained.problem) : explained
  })
  setRoutes(router, parts)
  router.use(PATHS, failure(log))
  return router
}
