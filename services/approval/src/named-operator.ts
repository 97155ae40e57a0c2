/** Who acts, in what operators send: their verified address where the listener verified one, else what they say of themselves. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { callerOf } from '@lockkeeper/service-kit/server'
import type { Request, RequestHandler } from 'express'

const speaking = new WeakSet<Request>()

/** After the callers' guard: these accounts (lower case) act for a person that they signed in and name, as the console does. */
export function speaksForPersons(accounts: ReadonlySet<string>): RequestHandler {
  return (request, _response, next) => {
    const caller = callerOf(request)
    if (caller !== undefined && accounts.has(caller)) speaking.add(request)
    next()
  }
}

/**
 * `said`: `by` of the body. On the embedded edition's socket the file's mode is the lock and the command says who asks; over the
 * network nobody writes another's name under a lock or a revocation, but for the console, and its own name stands beside it.
 */
export function operatorOf(request: Request, said: string | undefined): string | Refusal {
  const caller = callerOf(request)
  if (caller !== undefined && said !== undefined && speaking.has(request)) return `${said.slice(0, 100)} (through ${caller})`
  return caller ?? said ?? refuse('REQUEST_INVALID', 'by: say who acts.')
}
