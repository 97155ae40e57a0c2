/**
 * The sandbox's identity provider for people: oidc-provider with the code flow, PKCE and a page where one says who one is. It asks for no
 * password: whoever reaches it may be anybody, which is why it listens on loopback and stands beside nothing real.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { systemClock } from '@lockkeeper/domain'
import type { Clock } from '@lockkeeper/domain'
import { SANDBOX_NAME, closeServer, listenOnLoopback, refuseBesideReal, warnOfFault } from '../loopback.ts'
import type { Beside, OnFault } from '../loopback.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { signInPage } from './sign-in-page.ts'
import { makeSigningKeys } from './signing-keys.ts'

export interface SandboxPeopleIdpOptions {
  /** 0 (default) takes a free port. */
  readonly port?: number
  /** A public client. Its redirect URI is on loopback; the port does not count (RFC 8252, 7.3). */
  readonly client: { readonly id: string, readonly redirectUri: string }
  /** Subjects that one can be. */
  readonly people: readonly string[]
  readonly clock?: Clock
  readonly beside?: Beside
  readonly onFault?: OnFault
}

export interface SandboxPeopleIdp {
  /** `http://127.0.0.1:PORT`, as it stands in `iss`. */
  readonly issuer: string
  /** The authorisation requests that came, oldest first. */
  readonly asked: readonly URLSearchParams[]
  close(): Promise<void>
}

const SESSION_SECONDS = 3_600
const TOKEN_SECONDS = 300
const MOST_ASKED = 1_000

export async function startSandboxPeopleIdp({ port = 0, client, people, clock = systemClock, beside, onFault = warnOfFault }: SandboxPeopleIdpOptions): Promise<SandboxPeopleIdp> {
  refuseBesideReal(beside)
  const { default: Provider } = await import('oidc-provider')
  const keys = await makeSigningKeys()
  const asked: URLSearchParams[] = []
  const parts: { serve?: (request: IncomingMessage, response: ServerResponse) => Promise<void> } = {}
  const server = createServer((request, response) => {
    response.setHeader('server', SANDBOX_NAME)
    if (parts.serve === undefined) return void response.writeHead(503).end()
    parts.serve(request, response).catch((error: unknown) => {
      onFault(error as Error)
      response.destroy()
    })
  })
  const issuer = await listenOnLoopback(server, port)
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.id, application_type: 'native', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: [client.redirectUri], id_token_signed_response_alg: 'ES256' }],
    jwks: { keys },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/people/${uid}` },
    findAccount: (_context: unknown, sub: string) => people.includes(sub) ? { accountId: sub, claims: () => ({ sub, email: `${sub}@sandbox.example.com` }) } : undefined,
    // One client, and nothing that it could be refused: nobody is asked for consent.
    loadExistingGrant: async (context: GrantContext) => {
      const grant = new provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: TOKEN_SECONDS, AuthorizationCode: 60, Grant: SESSION_SECONDS, IdToken: TOKEN_SECONDS, Interaction: 600, Session: SESSION_SECONDS },
    adapter: memoryAdapter(clock),
    renderError: (context: { type: string, body: unknown }, { error, error_description: description }: Readonly<Record<string, string>>) => Object.assign(context, { type: 'text/plain', body: `${error}: ${description}` }),
  }).on('server_error', (_context, error) => onFault(error))
  const inner = provider.callback()
  parts.serve = async (request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === '/auth') asked.push(url.searchParams)
    if (asked.length > MOST_ASKED) asked.shift()
    if (!url.pathname.startsWith('/people/')) return inner(request, response)
    const { prompt } = await provider.interactionDetails(request, response)
    // Native clients are always asked about: this one may.
    if (prompt.name === 'consent') return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
    if (request.method !== 'POST') return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(signInPage(url.pathname, people))
    const accountId = new URLSearchParams(await text(request)).get('person') ?? ''
    if (!people.includes(accountId)) return void response.writeHead(400).end()
    await provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false })
  }
  return { issuer, asked, close: () => closeServer(server) }
}

interface GrantContext { readonly oidc: { readonly client: { readonly clientId: string }, readonly session: { readonly accountId: string } } }
