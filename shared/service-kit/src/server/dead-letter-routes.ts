/** `/v1/events/dead`: what this service's subscriptions gave up on, for its operators. */
import { refuse } from '@lockkeeper/domain/errors'
import type { EventBus } from '@lockkeeper/domain/ports'
import express, { type Router } from 'express'
import { z } from 'zod'
import { strike } from '../logger.ts'
import { sendProblem } from './problem.ts'

const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(50) })

export function deadLetterRoutes(events: Pick<EventBus, 'deadLetters' | 'redrive'>): Router {
  const router = express.Router({ caseSensitive: true })
  router.get('/v1/events/dead', async (request, response) => {
    const asked = query.safeParse(request.query)
    if (!asked.success) return sendProblem(response, refuse('REQUEST_INVALID', 'limit must be a number from 1 to 1,000.'))
    // An event may hold an approver's token; a redrive takes it from the bus, not from here.
    response.set('cache-control', 'no-store').type('json').send(strike(JSON.stringify({ dead: await events.deadLetters(asked.data.limit) })))
  })
  router.post('/v1/events/dead/:id/redrive', async (request, response) => {
    if (!await events.redrive(request.params.id)) return sendProblem(response, refuse('NOT_FOUND', 'There is no dead letter of that id.'))
    response.json({ redriven: true })
  })
  return router
}
