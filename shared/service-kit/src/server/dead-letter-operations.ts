/** What a service's subscriptions gave up on, as operations of its API. */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { EventBus } from '@lockkeeper/domain/ports'
import { z } from 'zod'
import { operation } from './operation.ts'

type DeadLetter = Awaited<ReturnType<EventBus['deadLetters']>>[number]

const event = z.strictObject({
  specversion: z.literal('1.0'), id: z.string(), source: z.string(), type: z.string(), time: z.string(), subject: z.string().optional(), datacontenttype: z.literal('application/json'), traceparent: z.string().optional(), data: z.unknown(),
} satisfies Readonly<Record<keyof CloudEvent, z.ZodType>>).meta({ id: 'Event', description: 'A CloudEvent 1.0. Tokens in it are struck out.' })

const letter = z.strictObject({
  id: z.string(), topic: z.string(), subscription: z.string(), event, error: z.string(), at: z.number().meta({ description: 'Epoch ms.' }),
} satisfies Readonly<Record<keyof DeadLetter, z.ZodType>>)

export const listDeadLetters = operation({
  id: 'listDeadLetters', method: 'get', path: '/v1/events/dead', tag: 'events', summary: 'Lists events that could not be handled, newest first.', query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(50) }),
  answer: { description: 'The dead letters.', schema: z.strictObject({ dead: z.array(letter) }), example: { dead: [] } },
})

export const redriveDeadLetter = operation({
  id: 'redriveDeadLetter', method: 'post', path: '/v1/events/dead/{id}/redrive', tag: 'events', summary: 'Hands a dead letter to its subscription again.', params: z.strictObject({ id: z.string().min(1).max(1_024) }),
  answer: { description: 'It is under way.', schema: z.strictObject({ redriven: z.literal(true) }), example: { redriven: true } }, refusals: ['NOT_FOUND'],
})

export const DEAD_LETTER_OPERATIONS = [listDeadLetters, redriveDeadLetter] as const
