/** Gets a token the way every client of an OIDC provider does: POST to the token endpoint. */
import { randomUUID } from 'node:crypto'
import type { AgentTokenRequest } from './agent-token.ts'
import { MINTER, TICKET_FIELD, resourceOf } from './provider-configuration.ts'

interface TokenEndpoint {
  readonly issuer: string
  readonly audience: string
  readonly secret: string
  readonly tickets: Map<string, AgentTokenRequest>
}

const TIMEOUT_MS = 10_000

export async function requestToken({ issuer, audience, secret, tickets }: TokenEndpoint, request: AgentTokenRequest): Promise<string> {
  const ticket = randomUUID()
  tickets.set(ticket, request)
  try {
    const response = await fetch(new URL('/token', issuer), {
      method: 'POST', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { authorization: `Basic ${Buffer.from(`${MINTER}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'agent', resource: resourceOf(audience), [TICKET_FIELD]: ticket }),
    })
    const answer = await response.json() as { readonly access_token?: unknown, readonly error?: unknown, readonly error_description?: unknown }
    if (typeof answer.access_token !== 'string') throw new TypeError(`The sandbox identity provider issued no token: ${String(answer.error)} ${String(answer.error_description ?? '')}`)
    return answer.access_token
  } finally {
    tickets.delete(ticket)
  }
}
