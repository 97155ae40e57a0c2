/** Who acts, in what operators send: their verified address where the listener verified one, else what they say of themselves. */
import { callerOf } from '@lockkeeper/service-kit/server'
import type { Request } from 'express'

/**
 * The body with `by`. On the embedded edition's socket the file's mode is the lock and the command says who asks; over the network
 * nobody writes another's name under a lock or a revocation.
 */
export function withOperator(request: Request): unknown {
  const caller = callerOf(request)
  const body: unknown = request.body
  return caller === undefined || typeof body !== 'object' || body === null ? body : { ...body, by: caller }
}
