/** What any signed-in person may look at. Data comes from the approval and audit services as it is. */
import type { Clock, Mode } from '@lockkeeper/domain'
import type { Router } from 'express'
import { z } from 'zod'
import { answer, give } from './answers.ts'
import { signedInOf } from './api-session.ts'
import type { Me, RunRecord, RunsPage } from './api-types.ts'
import type { InboxStream } from './inbox-stream.ts'
import { runsOf } from './runs.ts'
import { withQuery, type ServiceApi } from './service-api.ts'

const page = { limit: z.coerce.number().int().min(1).max(200).optional(), cursor: z.string().max(2048).optional() }
export const historyQuery = z.strictObject({ ...page, state: z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled', 'claimed', 'answered', 'unknown']).optional() })
export const grantsQuery = z.strictObject({ ...page, all: z.enum(['true', 'false']).optional() })
export const runQuery = z.strictObject({ agent: z.string().max(512).optional(), bodies: z.enum(['true', 'false']).optional() })
export const loadQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(90).optional() })
export const reviewsQuery = z.strictObject({ open: z.enum(['true', 'false']).optional() })
export const cursorQuery = z.strictObject({ cursor: page.cursor })
/** Records that one page of runs is made of. */
const RUN_RECORDS = '1000'

export interface LookParts {
  readonly approval: ServiceApi
  readonly audit: ServiceApi
  readonly inbox: InboxStream
  readonly clock: Clock
  readonly mode: Mode
  readonly decideBy: 'passkey' | 'idToken'
}

export function addLookRoutes(router: Router, { approval, audit, inbox, clock, mode, decideBy }: LookParts): void {
  const passed = (path: string, schema: z.ZodType<Readonly<Record<string, unknown>>>, service: ServiceApi, there: string): void => void router.get(path, answer(async (request, response) => {
    const query = Object.fromEntries(Object.entries(schema.parse(request.query)).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]))
    const place = there.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(String(request.params[name])))
    give(response, await service.call({ method: 'GET', path: withQuery(place, query) }))
  }))
  const nothing = z.strictObject({})

  router.get('/api/me', (request, response) => {
    const { person, session, operator } = signedInOf(request)
    response.json({ person: { id: person.id, name: person.name }, csrf: session.csrf, mode, decideBy, operator, now: clock.now() } satisfies Me)
  })
  router.get('/api/inbox', answer(async (request, response) => { response.json(await inbox.read(cursorQuery.parse(request.query).cursor)) }))
  router.get('/api/inbox/stream', (request, response) => inbox.open(request, response))
  passed('/api/approvals', historyQuery, approval, '/v1/approvals')
  passed('/api/approvals/:id', nothing, approval, '/v1/approvals/:id')
  passed('/api/grants', grantsQuery, approval, '/v1/grants')
  passed('/api/reviews', reviewsQuery, approval, '/v1/reviews')
  passed('/api/locks', nothing, approval, '/v1/locks')
  passed('/api/load', loadQuery, approval, '/v1/load')
  passed('/api/runs/:run', runQuery, audit, '/v1/audit/sessions/:run')
  router.get('/api/runs', answer(async (request, response) => {
    const found = await audit.call({ method: 'GET', path: withQuery('/v1/audit/records', { limit: RUN_RECORDS, cursor: cursorQuery.parse(request.query).cursor }) })
    if (found.status >= 400) return give(response, found)
    const { records, cursor } = found.body as { readonly records: readonly RunRecord[], readonly cursor?: string }
    response.json({ runs: runsOf(records), ...cursor === undefined ? {} : { cursor } } satisfies RunsPage)
  }))
}
