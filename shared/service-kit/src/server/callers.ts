/** Who called a service's own API: verified before the first route is tried, never read from what the caller writes. */
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Request, RequestHandler } from 'express'
import { sendProblem } from './problem.ts'

/** The verified e-mail address of a caller, or the refusal. The header is given as it came. */
export type VerifyCaller = (authorization: string | undefined) => Promise<{ readonly email: string } | Refusal>

const callers = new WeakMap<Request, string>()

/** Lets through only whom `verify` names; 401 or 403 for all others, 503 when that cannot be known. */
export function onlyFor(verify: VerifyCaller): RequestHandler {
  return (request, response, next) => {
    verify(authorizationOf(request)).then((caller) => {
      if (isRefusal(caller)) return sendProblem(response, caller)
      callers.set(request, caller.email)
      next()
    }).catch(next)
  }
}

/** The verified caller; undefined on a listener that asks for none (the embedded edition's socket, whose file mode is the lock). */
export function callerOf(request: Request): string | undefined {
  return callers.get(request)
}

/** Node joins repeated `Authorization` headers by dropping all but the first: two of them name nobody. */
function authorizationOf(request: Request): string | undefined {
  const { authorization = [] } = request.headersDistinct
  return authorization.length === 1 ? authorization[0] : undefined
}
