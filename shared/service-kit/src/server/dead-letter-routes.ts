/** `/v1/events/dead`: what this service's subscriptions gave up on, for its operators. */
import { refuse } from '@lockkeeper/domain/errors'
import type { EventBus } from '@lockkeeper/domain/ports'
import express, { type Router } from 'express'
import { strike } from '../strike.ts'
import { listDeadLetters, redriveDeadLetter } from './dead-letter-operations.ts'
import { SENT } from './operation.ts'
import { serve } from './serve.ts'

export function deadLetterRoutes(events: Pick<EventBus, 'deadLetters' | 'redrive'>): Router {
  const router = express.Router({ caseSensitive: true })
  serve(router, listDeadLetters, async ({ query }, _request, response) => {
    // An event may hold an approver's token; a redrive takes it from the bus, not from here.
    response.set('cache-control', 'no-store').type('json').send(strike(JSON.stringify({ dead: await events.deadLetters(query.limit) })))
    return SENT
  })
  serve(router, redriveDeadLetter, async ({ params }) => await events.redrive(params.id) ? { redriven: true } as const : refuse('NOT_FOUND', 'There is no dead letter of that id.'))
  return router
}
