/** `/v1/deliveries` for the admin listener: what was sent where, what is late and why. Errors: problem+json (RFC 9457). */
import type { DocumentStore, Query } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import { z } from 'zod'
import type { ChannelStatus } from './channel-worker.ts'
import { deliveries, type DeliveryDocument } from './collections.ts'

export interface DeliveryView extends Pick<DeliveryDocument, 'id' | 'subject' | 'channel' | 'recipient' | 'state' | 'attempts' | 'at' | 'deliveredAt' | 'why'> {
  /** Epoch ms of the next attempt. */
  readonly nextAt?: number
  /** Type of the fact, where each is a message of its own. */
  readonly fact?: string
}

export interface DeliveryPage {
  /** Newest first. */
  readonly deliveries: readonly DeliveryView[]
  readonly cursor?: string
  /** Counts since the start of the instance that answers. */
  readonly channels: readonly ChannelStatus[]
}

const listQuery = z.strictObject({
  state: z.enum(['waiting', 'delivered', 'dropped', 'failed']).optional(),
  /** Approval id. */
  subject: z.string().max(128).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(2048).optional(),
}).refine(({ state, subject }) => state === undefined || subject === undefined, 'state and subject do not go together')

const PATH = '/v1/deliveries'

export function deliveryRoutes(documents: DocumentStore, channels: () => readonly ChannelStatus[], log: Log): Router {
  const router = express.Router()
  router.get(PATH, async (request, response) => {
    const asked = listQuery.safeParse(request.query)
    if (!asked.success) return problem(response, 400, 'REQUEST_INVALID', asked.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
    const { state, subject, limit, cursor } = asked.data
    const page = await documents.query(deliveries, { ...shapeOf(state, subject), limit, ...cursor === undefined ? {} : { cursor } })
    const answer: DeliveryPage = { deliveries: page.docs.map(({ data }) => viewOf(data)), channels: channels(), ...page.cursor === undefined ? {} : { cursor: page.cursor } }
    response.set('cache-control', 'no-store').json(answer)
  })
  router.use(PATH, failure(log))
  return router
}

function shapeOf(state: string | undefined, subject: string | undefined): Pick<Query, 'name' | 'equal'> {
  if (state !== undefined) return { name: 'byState', equal: { state } }
  return subject === undefined ? { name: 'all', equal: { kind: 'delivery' } } : { name: 'bySubject', equal: { subject } }
}

/** Without the ref: who knows it could pass clicks on to us as a message's reader does. */
function viewOf({ id, subject, channel, recipient, state, attempts, at, deliveredAt, why, open, dueAt, fact }: DeliveryDocument): DeliveryView {
  return {
    id, subject, channel, recipient, state, attempts, at, ...deliveredAt === undefined ? {} : { deliveredAt }, ...why === undefined ? {} : { why },
    ...open ? { nextAt: dueAt } : {}, ...fact === undefined ? {} : { fact },
  }
}

function problem(response: Response, status: number, reason: string, detail: string): void {
  response.status(status).set('cache-control', 'no-store').type('application/problem+json').send(JSON.stringify({ type: `https://lockkeeper.dev/errors/${reason}`, title: reason, status, detail }))
}

function failure(log: Log): ErrorRequestHandler {
  return (cause: unknown, _request, response, next) => {
    if (response.headersSent) return next(cause)
    log.error({ err: cause }, 'the list of deliveries failed')
    problem(response, 503, 'OVERLOADED', 'The notifier cannot answer now.')
  }
}
