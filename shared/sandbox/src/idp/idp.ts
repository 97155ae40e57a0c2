/** The sandbox's identity provider: oidc-provider with client credentials and JWT access tokens, for agents that exist only here. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock } from '@lockkeeper/domain'
import type { Clock } from '@lockkeeper/domain'
import type { JWK } from 'jose'
import { SANDBOX_NAME, closeServer, listenOnLoopback, refuseBesideReal, warnOfFault } from '../loopback.ts'
import type { Beside, OnFault } from '../loopback.ts'
import type { AgentTokenRequest } from './agent-token.ts'
import { requestToken } from './request-token.ts'
import { providerConfiguration } from './provider-configuration.ts'
import { makeSigningKeys } from './signing-keys.ts'

export interface SandboxIdpOptions {
  /** 0 (default) takes a free port. */
  readonly port?: number
  readonly clock?: Clock
  /** Audience of the tokens; default `lockkeeper`. */
  readonly audience?: string
  readonly beside?: Beside
  /** Told of faults of the provider's own. Default: a process warning. */
  readonly onFault?: OnFault
}

export interface SandboxIdp {
  /** `http://127.0.0.1:PORT`, as it stands in `iss`. */
  readonly issuer: string
  readonly audience: string
  mintAgentToken(request: AgentTokenRequest): Promise<string>
  /** New keys sign from now on. The old ones stay published unless `keepOld` is false. */
  rotateKeys(options?: { readonly keepOld?: boolean }): Promise<void>
  /** While true, everything but minting is answered 503: discovery and keys are out. */
  setOutage(out: boolean): void
  close(): Promise<void>
}

type Callback = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export async function startSandboxIdp(options: SandboxIdpOptions = {}): Promise<SandboxIdp> {
  refuseBesideReal(options.beside)
  const { onFault = warnOfFault } = options
  // Loaded here, because the sandbox's clients share this package and need no provider.
  const { default: Provider } = await import('oidc-provider')
  const audience = options.audience ?? 'lockkeeper'
  const tickets = new Map<string, AgentTokenRequest>()
  const secret = randomBytes(32).toString('base64url')
  let keys: readonly JWK[] = await makeSigningKeys()
  let outage = false
  let serve: Callback | undefined
  const server = createServer((request, response) => {
    response.setHeader('server', SANDBOX_NAME)
    if (serve === undefined || (outage && request.url !== '/token')) response.writeHead(503).end()
    else serve(request, response).catch((error: unknown) => {
      onFault(error as Error)
      response.destroy()
    })
  })
  const issuer = await listenOnLoopback(server, options.port ?? 0)
  const build = (): Callback => new Provider(issuer, providerConfiguration({ keys, audience, secret, tickets, clock: options.clock ?? systemClock }))
    .on('server_error', (_context, error) => onFault(error)).callback()
  serve = build()
  return {
    issuer, audience,
    mintAgentToken: (request) => requestToken({ issuer, audience, secret, tickets }, request),
    async rotateKeys({ keepOld = true } = {}) {
      const fresh = await makeSigningKeys()
      keys = keepOld ? [...fresh, ...keys] : fresh
      serve = build()
    },
    setOutage: (out) => { outage = out },
    close: () => closeServer(server),
  }
}
