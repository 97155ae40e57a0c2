/** How oidc-provider is set up: one client, one grant, JWT access tokens for one resource, nothing for browsers. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '@lockkeeper/domain'
import type { JWK } from 'jose'
import type { StructuredToken, TokenContext } from 'oidc-provider'
import type { AgentTokenRequest } from './agent-token.ts'

export const MINTER = 'sandbox-minter'
/** Form field that says which prepared token is asked for; single use. */
export const TICKET_FIELD = 'sandbox_ticket'
const DEFAULT_TTL_SECONDS = 900

interface ProviderParts {
  readonly keys: readonly JWK[]
  readonly audience: string
  readonly secret: string
  readonly tickets: ReadonlyMap<string, AgentTokenRequest>
  readonly clock: Clock
}

export function providerConfiguration({ keys, audience, secret, tickets, clock }: ProviderParts): object {
  const asked = (context: TokenContext): AgentTokenRequest | undefined => tickets.get(String(context.oidc.body?.[TICKET_FIELD] ?? ''))
  return {
    clients: [{ client_id: MINTER, client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' }],
    jwks: { keys },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub', 'agent', 'run', 'sponsor'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resourceOf(audience),
        getResourceServerInfo: (context: TokenContext) => ({ audience, scope: 'agent', accessTokenFormat: 'jwt', accessTokenTTL: DEFAULT_TTL_SECONDS, jwt: { sign: { alg: asked(context)?.algorithm ?? 'RS256' } } }),
      },
    },
    extraTokenClaims: (context: TokenContext) => {
      const request = asked(context)
      return request === undefined ? {} : { agent: request.agent, run: request.run, ...(request.sponsor === undefined ? {} : { sponsor: request.sponsor }) }
    },
    formats: { customizers: { jwt: (context: TokenContext, _token: unknown, structured: StructuredToken) => adjust(structured, asked(context), clock) } },
    ttl: { ClientCredentials: DEFAULT_TTL_SECONDS },
    adapter: VoidAdapter,
  }
}

/** Resource indicators are absolute URIs (RFC 8707); the token's audience stays the plain word. */
export function resourceOf(audience: string): string {
  return `urn:lockkeeper:sandbox:${encodeURIComponent(audience)}`
}

/** Subject, times by the given clock, and what a test wants to be wrong. */
function adjust(structured: StructuredToken, request: AgentTokenRequest | undefined, clock: Clock): void {
  const issued = Math.floor(clock.now() / 1_000)
  Object.assign(structured.payload, { iat: issued, exp: issued + (request?.ttlSeconds ?? DEFAULT_TTL_SECONDS) })
  if (request !== undefined) Object.assign(structured.payload, { sub: request.agent }, request.claims)
}

/** Signed tokens need no storage, and nothing else is issued here. */
class VoidAdapter {
  async find(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async upsert(): Promise<void> {}
  async consume(): Promise<void> {}
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}
