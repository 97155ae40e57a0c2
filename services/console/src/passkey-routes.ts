/** Signing in with a passkey, and making one: with a one-time code of the gateway's terminal, or with a passkey that one has already. */
import { refuse } from '@lockkeeper/domain/errors'
import { passkeyAssertion } from '@lockkeeper/domain/events'
import type { PersonId } from '@lockkeeper/domain'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'
import { z } from 'zod'
import { answer, give } from './answers.ts'
import { signedInOf } from './api-session.ts'
import type { Challenge } from './api-types.ts'
import type { Cookies } from './cookies.ts'
import type { Begun } from './begun.ts'
import { withQuery, type ServiceApi } from './service-api.ts'
import { randomId, type Sessions } from './sessions.ts'

interface MadeChallenge { readonly challenge: string, readonly at: number }

export const signingIn = z.strictObject({ nonce: z.string().max(64), assertion: passkeyAssertion })
const code = z.string().min(1).max(64)
export const beginning = z.strictObject({ code })
export const finishing = z.strictObject({ code, label: z.string().min(1).max(64), credential: z.strictObject({ id: z.string().max(1400), clientData: z.string().max(4096), attestation: z.string().max(16_384) }) })
export const adding = z.strictObject({ at: z.int(), assertion: passkeyAssertion })

export interface PasskeyRouteParts {
  readonly approval: ServiceApi
  readonly begun: Begun
  readonly sessions: Sessions
  readonly cookies: Cookies
  readonly rpId: () => string
}

/** Before there is a session. */
export function addPasskeySignIn(router: Router, { approval, begun, sessions, cookies, rpId }: PasskeyRouteParts): void {
  router.post('/api/sign-in/passkey/challenge', answer(async (_request, response) => {
    const [nonce, browser] = [randomId(), randomId()]
    const made = await approval.call({ method: 'POST', path: '/v1/passkeys/challenges', body: { purpose: 'sign-in', nonce } })
    if (made.status >= 400) return give(response, made)
    const { challenge, at } = made.body as MadeChallenge
    const refused = await begun.put(nonce, browser, { at })
    if (refused !== undefined) return sendProblem(response, refused)
    cookies.setLogin(response, browser)
    response.json({ nonce, challenge, rpId: rpId() })
  }))

  router.post('/api/sign-in/passkey', answer(async (request, response) => {
    const { nonce, assertion } = signingIn.parse(request.body)
    const known = await begun.take<{ readonly at: number }>(nonce, cookies.login(request))
    if (known === undefined) return sendProblem(response, refuse('TOKEN_INVALID', 'This sign-in was not begun in this browser, was used already, or took over ten minutes. Try again.'))
    const told = await approval.call({ method: 'POST', path: '/v1/passkeys/sign-ins', body: { nonce, at: known.at, assertion } })
    if (told.status >= 400) return give(response, told)
    cookies.setSession(response, (await sessions.start((told.body as { readonly person: PersonId }).person)).id)
    response.json({})
  }))

  router.post('/api/passkeys/registrations', answer(async (request, response) => give(response, await approval.call({ method: 'POST', path: '/v1/passkeys/registrations', body: beginning.parse(request.body) }))))
  router.post('/api/passkeys/new', answer(async (request, response) => give(response, await approval.call({ method: 'POST', path: '/v1/passkeys', body: finishing.parse(request.body) }))))
}

/** Of the person that is signed in. */
export function addPasskeyRoutes(router: Router, { approval, rpId }: PasskeyRouteParts): void {
  router.get('/api/passkeys', answer(async (request, response) => give(response, await approval.call({ method: 'GET', path: withQuery('/v1/passkeys', { person: signedInOf(request).person.id }) }))))
  router.post('/api/passkeys/:id/remove', answer(async (request, response) => give(response, await approval.call({ method: 'POST', path: `/v1/passkeys/${encodeURIComponent(String(request.params['id']))}/remove`, body: { person: signedInOf(request).person.id } }))))
  router.post('/api/passkeys/codes/challenge', answer(async (request, response) => {
    const made = await approval.call({ method: 'POST', path: '/v1/passkeys/challenges', body: { purpose: 'code', person: signedInOf(request).person.id } })
    if (made.status >= 400) return give(response, made)
    response.json({ kind: 'passkey', ...made.body as MadeChallenge, rpId: rpId() } satisfies Challenge)
  }))
  router.post('/api/passkeys/codes', answer(async (request, response) => give(response, await approval.call({ method: 'POST', path: '/v1/passkeys/codes', body: { ...adding.parse(request.body), person: signedInOf(request).person.id } }))))
}
