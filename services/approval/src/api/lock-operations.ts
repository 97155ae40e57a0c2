/** Operations of the kill switch. */
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { lockSchema, lockScope } from './lock-schemas.ts'
import { by, byId, reason } from './names.ts'

const LOCK = { id: 'lock_3fQ9aZ', scope: { kind: 'agent', agent: 'acme/shop' }, reason: 'it deletes what it should not', by: 'ana', at: 1_795_521_600_000 }

export const listLocks = operation({
  id: 'listLocks', method: 'get', path: '/v1/locks', tag: 'locks', summary: 'Lists the locks in force, at most 1,000.', answer: { description: 'The locks.', schema: z.strictObject({ locks: z.array(lockSchema) }), example: { locks: [LOCK] } },
})

export const setLock = operation({
  id: 'setLock', method: 'post', path: '/v1/locks', tag: 'locks', summary: 'Stops an agent, a run, a target or everything.',
  description: 'Idempotent; a second lock on one scope never ends earlier than the first. New calls are refused, held calls end, open answers are cut, requests are frozen.',
  body: { schema: z.strictObject({ scope: lockScope, reason, by, until: z.int().positive().optional().meta({ description: 'Epoch ms. Absent: until it is lifted.' }) }), example: { scope: LOCK.scope, reason: LOCK.reason, by: LOCK.by } },
  answer: { description: 'The lock.', schema: lockSchema, example: LOCK },
})

export const liftLock = operation({
  id: 'liftLock', method: 'post', path: '/v1/locks/{id}/lift', tag: 'locks', summary: 'Lifts a lock.', params: byId,
  body: { schema: z.strictObject({ by, reason }), example: { by: 'ana', reason: 'the agent was mended' } }, answer: { description: 'The lock as it was.', schema: lockSchema, example: LOCK }, refusals: ['NOT_FOUND'],
})
