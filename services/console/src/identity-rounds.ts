/** Rounds through an identity provider: to sign in, or to prove one decision. The way back is `/sign-in/callback`. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Clock } from '@lockkeeper/domain'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Log } from '@lockkeeper/service-kit'
import type { Request, Response, Router } from 'express'
import { answer } from './answers.ts'
import type { Challenge, ProblemBody, Said } from './api-types.ts'
import type { Cookies } from './cookies.ts'
import { codeVerifier, type Begun } from './begun.ts'
import type { OidcClient, OidcRound } from './oidc-client.ts'
import { onwardPage, problemPage } from './plain-pages.ts'
import type { ServiceApi } from './service-api.ts'
import { randomId, type Sessions } from './sessions.ts'

export type Purpose =
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'decision', readonly approval: string, readonly digest: string, readonly said: Said }
  | { readonly kind: 'review', readonly review: string, readonly note: string }

/** What is kept of a round until the browser comes back. The verifier is made of the browser's own secret. */
interface Round {
  /** Of the identity provider. */
  readonly issuer: string
  readonly nonce: string
  /** Epoch ms. */
  readonly startedAt: number
  readonly purpose: Purpose
  /** Who must come back; undefined: any known person. */
  readonly person?: string
}

export interface IdentityRounds {
  /** Answers with where the page has to go, so that the identity provider's token proves the decision. */
  prove(asking: { readonly request: Request, readonly response: Response, readonly person: string }, nonce: string, purpose: Exclude<Purpose, { readonly kind: 'sign-in' }>): Promise<void>
}

export interface RoundParts {
  /** Sign-ins, which anybody may begin. */
  readonly begun: Begun
  /** Of persons who are signed in. */
  readonly decisions: Begun
  readonly clients: readonly OidcClient[]
  readonly approval: ServiceApi
  readonly sessions: Sessions
  readonly cookies: Cookies
  readonly clock: Clock
  readonly origin: () => string
  readonly log: Log
}

export function addIdentityRounds(router: Router, parts: RoundParts): IdentityRounds {
  const { begun, decisions, clients, cookies, clock, origin } = parts
  const redirectUri = (): string => `${origin()}/sign-in/callback`
  const oidcRound = ({ nonce, startedAt, purpose }: Round, state: string, browser: string): OidcRound => ({ state, nonce, verifier: codeVerifier(browser), redirectUri: redirectUri(), fresh: purpose.kind !== 'sign-in', startedAt })

  async function begin(response: Response, client: OidcClient, nonce: string, purpose: Purpose, person?: string): Promise<string | Refusal> {
    const [state, browser] = [randomId(), randomId()]
    const round: Round = { issuer: client.issuer, nonce, startedAt: clock.now(), purpose, ...person === undefined ? {} : { person } }
    const location = await client.begin(oidcRound(round, state, browser))
    if (isRefusal(location)) return location
    const refused = await (purpose.kind === 'sign-in' ? begun : decisions).put(state, browser, round)
    if (refused !== undefined) return refused
    cookies.setLogin(response, browser)
    return location
  }

  router.get('/sign-in/with/:issuer', answer(async (request, response) => {
    const client = clients.find(({ issuer }) => issuer === request.params['issuer'])
    // A nonce of its own form: no token of a sign-in proves a decision.
    const location = client === undefined ? refuse('NOT_FOUND', 'There is no such identity provider here.') : await begin(response, client, `sign-in:${randomId()}`, { kind: 'sign-in' })
    if (isRefusal(location)) return problemPage(response, location)
    response.redirect(303, location)
  }, problemPage))

  router.get('/sign-in/callback', answer(async (request, response) => {
    const { state } = request.query
    const browser = cookies.login(request)
    const round = typeof state === 'string' ? await begun.take<Round>(state, browser) : undefined
    const client = clients.find(({ issuer }) => issuer === round?.issuer)
    if (typeof state !== 'string' || round === undefined || browser === undefined || client === undefined) return problemPage(response, refuse('TOKEN_INVALID', 'This sign-in was not begun in this browser, was used already, or took over ten minutes. Nothing was decided.'))
    const come = await client.finish(new URL(request.originalUrl, origin()), oidcRound(round, state, browser))
    if (isRefusal(come)) {
      parts.log.warn({ reason: come.reason, detail: come.detail }, 'an identity provider\'s answer was refused')
      return problemPage(response, come)
    }
    if (come.person.disabled === true) return problemPage(response, refuse('CALLER_REFUSED', 'Your person is disabled here.'))
    if (round.person !== undefined && round.person !== come.person.id) return problemPage(response, refuse('CALLER_REFUSED', `You are signed in here as ${round.person} and came back as somebody else. Nothing was decided.`))
    await conclude(parts, round.purpose, come, response)
  }, problemPage))

  return {
    async prove({ response, person }, nonce, purpose) {
      const [client] = clients
      const location = client === undefined ? refuse('ISSUER_UNAVAILABLE', 'No identity provider is configured that could prove a decision.') : await begin(response, client, nonce, purpose, person)
      if (isRefusal(location)) return sendProblem(response, location)
      response.json({ kind: 'redirect', location } satisfies Challenge)
    },
  }
}

async function conclude({ sessions, cookies, approval, log }: RoundParts, purpose: Purpose, { person, token }: { readonly person: { readonly id: string }, readonly token: string }, response: Response): Promise<void> {
  if (purpose.kind === 'sign-in') {
    cookies.setSession(response, (await sessions.start(person.id as Parameters<Sessions['start']>[0])).id)
    log.info({ person: person.id }, 'a person signed in')
    return onwardPage(response, '/')
  }
  const proof = { kind: 'idToken', token }
  const told = purpose.kind === 'decision'
    ? await approval.call({ method: 'POST', path: `/v1/approvals/${encodeURIComponent(purpose.approval)}/decisions`, body: { ...purpose.said, digest: purpose.digest, proof } })
    : await approval.call({ method: 'POST', path: `/v1/reviews/${encodeURIComponent(purpose.review)}/close`, body: { note: purpose.note, proof } })
  if (told.status >= 400) return problemPage(response, refuse('POLICY_DENIED', (told.body as ProblemBody).detail ?? 'The decision was refused.'))
  onwardPage(response, purpose.kind === 'decision' ? `/a/${encodeURIComponent(purpose.approval)}` : '/reviews')
}
