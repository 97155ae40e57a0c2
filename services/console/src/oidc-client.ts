/** Sign-in at an approvers' identity provider: OpenID Connect Core 1.0 code flow with PKCE (RFC 7636), state and nonce. */
import type { Clock, Mode, Person } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import * as oidc from 'openid-client'

export interface OidcRound {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirectUri: string
  /** The person must show themselves anew: what proves a decision. */
  readonly fresh: boolean
  /** Epoch ms. */
  readonly startedAt: number
}

export interface OidcClient {
  /** Name of the approver issuer. */
  readonly issuer: string
  readonly label: string
  /** Where the browser goes. ISSUER_UNAVAILABLE when the provider's configuration cannot be had. */
  begin(round: OidcRound): Promise<string | Refusal>
  /** What came back at `url`: the person, and the ID token that says so. TOKEN_INVALID for whatever does not fit the round. */
  finish(url: URL, round: OidcRound): Promise<{ readonly person: Person, readonly token: string } | Refusal>
}

export interface OidcClientOptions {
  readonly name: string
  readonly label: string
  readonly issuer: string
  readonly clientId: string
  /** Absent: a public client. */
  readonly clientSecret?: () => Promise<string>
  readonly mode: Mode
  readonly clock: Clock
  /** Signature, issuer, audience, nonce and person: shared/auth. */
  readonly verify: (token: string, nonce: string) => Promise<Person | Refusal>
}

/** Difference that the clocks of a provider and ours may have. */
const SKEW_MS = 60_000
const WITHIN_SECONDS = 10

export function createOidcClient({ name, label, issuer, clientId, clientSecret, mode, clock, verify }: OidcClientOptions): OidcClient {
  let known: Promise<oidc.Configuration> | undefined

  async function discover(): Promise<oidc.Configuration> {
    const secret = await clientSecret?.()
    const plain = mode === 'sandbox' && new URL(issuer).protocol === 'http:'
    return oidc.discovery(new URL(issuer), clientId, undefined, secret === undefined ? oidc.None() : oidc.ClientSecretPost(secret), { timeout: WITHIN_SECONDS, ...plain ? { execute: [oidc.allowInsecureRequests] } : {} })
  }

  /** A failure is not kept: the next person tries again. */
  async function configuration(): Promise<oidc.Configuration | Refusal> {
    known ??= discover()
    try {
      return await known
    } catch (error) {
      known = undefined
      return refuse('ISSUER_UNAVAILABLE', { message: `The identity provider ${label} cannot be reached. Try again in a moment.`, detail: (error as Error).message })
    }
  }

  return {
    issuer: name, label,
    async begin({ state, nonce, verifier, redirectUri, fresh }) {
      const config = await configuration()
      if (isRefusal(config)) return config
      const parameters = { redirect_uri: redirectUri, scope: 'openid email', state, nonce, code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
      return oidc.buildAuthorizationUrl(config, fresh ? { ...parameters, prompt: 'login', max_age: '0' } : parameters).href
    },
    async finish(url, round) {
      const config = await configuration()
      if (isRefusal(config)) return config
      let tokens
      try {
        tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: round.verifier, expectedState: round.state, expectedNonce: round.nonce, idTokenExpected: true })
      } catch (error) {
        // Every message of the library stands for a failed check or an answer of the provider; its text may hold what was sent.
        return refuse('TOKEN_INVALID', { message: 'The identity provider\'s answer does not fit what was asked. Nothing was decided; try again.', detail: (error as Error).message })
      }
      const token = tokens.id_token
      if (token === undefined) return refuse('TOKEN_INVALID', 'The identity provider sent no ID token.')
      const person = await verify(token, round.nonce)
      if (isRefusal(person)) return person
      return round.fresh && !isFresh(tokens.claims()?.auth_time, round.startedAt, clock.now())
        ? refuse('TOKEN_INVALID', 'The identity provider did not ask you to sign in anew, so this proves no decision. Nothing was decided.')
        : { person, token }
    },
  }
}

/** OpenID Connect Core 1.0, 3.1.2.1: with `max_age` the token says when the person last showed themselves. */
function isFresh(authTime: unknown, startedAt: number, now: number): boolean {
  return typeof authTime === 'number' && authTime * 1000 >= startedAt - SKEW_MS && authTime * 1000 <= now + SKEW_MS
}
