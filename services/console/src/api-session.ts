/** The session of an API request, and what every change needs on top of it. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Person } from '@lockkeeper/domain'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Request, RequestHandler, Response } from 'express'
import type { Cookies } from './cookies.ts'
import { CSRF_HEADER } from './guards.ts'
import { csrfFits, type Session, type Sessions } from './sessions.ts'
import { unavailable } from './answers.ts'

export interface People {
  byId(id: string): Person | undefined
  group(name: string): readonly string[]
}

/** Whom Identity-Aware Proxy vouches for, where the console stands behind it. */
export type ProxyIdentity = (assertion: string | undefined) => Promise<Person | Refusal>

export interface SessionParts {
  readonly sessions: Sessions
  readonly cookies: Cookies
  readonly people: People
  readonly operators: string
  readonly iap?: ProxyIdentity
}

export interface SignedIn { readonly id: string, readonly session: Session, readonly person: Person, readonly operator: boolean }

const signedIn = new WeakMap<Request, SignedIn>()

export function signedInOf(request: Request): SignedIn {
  const found = signedIn.get(request)
  if (found === undefined) throw new TypeError('the route stands before its session')
  return found
}

export function requireSession(parts: SessionParts): RequestHandler {
  return (request, response, next) => {
    identify(parts, request, response).then((found) => {
      if (isRefusal(found)) return sendProblem(response, found)
      const reads = request.method === 'GET' || request.method === 'HEAD'
      if (!reads && !csrfFits(found.session, request.headers[CSRF_HEADER])) return sendProblem(response, refuse('CALLER_REFUSED', 'The request does not carry this session\'s token. Reload the page and try again.'))
      signedIn.set(request, found)
      next()
    }).catch(unavailable(response, next))
  }
}

export const requireOperator: RequestHandler = (request, response, next) => {
  if (signedInOf(request).operator) return next()
  sendProblem(response, refuse('CALLER_REFUSED', 'Only operators may do this; your person is in none of their groups.'))
}

async function identify({ sessions, cookies, people, operators, iap }: SessionParts, request: Request, response: Response): Promise<SignedIn | Refusal> {
  const outside = iap === undefined ? undefined : await iap(assertionOf(request))
  if (isRefusal(outside)) return outside
  let id = cookies.session(request)
  let session = await sessions.find(id)
  // Behind the proxy its word counts: a session of somebody else ends, and one comes by itself.
  if (outside !== undefined && session?.person !== outside.id) {
    await sessions.end(id)
    ;({ id, session } = await sessions.start(outside.id))
    cookies.setSession(response, id)
  }
  if (id === undefined || session === undefined) return refuse('TOKEN_MISSING', 'You are not signed in, or were signed out after a while. Sign in and try again.')
  const person = people.byId(session.person)
  if (person === undefined || person.disabled === true) {
    await sessions.end(id)
    return refuse('CALLER_REFUSED', 'Your person is disabled or no longer known here.')
  }
  return { id, session, person, operator: people.group(operators).includes(person.id) }
}

/** Two of them name nobody. */
function assertionOf(request: Request): string | undefined {
  const found = request.headersDistinct['x-goog-iap-jwt-assertion'] ?? []
  return found.length === 1 ? found[0] : undefined
}
