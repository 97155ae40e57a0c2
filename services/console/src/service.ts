/**
 * The console: the page for approvers and auditors, and what stands between it and the other services. It keeps who is signed in, and makes no
 * proof: decisions carry what the person's passkey or identity provider made (invariant 7). Imports no adapter.
 */
import type { Clock } from '@lockkeeper/domain'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { strictJson } from '@lockkeeper/service-kit/server'
import express, { type Router } from 'express'
import { requireSession, type People, type ProxyIdentity } from './api-session.ts'
import type { SignInOptions } from './api-types.ts'
import { createBegun } from './begun.ts'
import { createCookies } from './cookies.ts'
import { addDecisionRoutes } from './decision-routes.ts'
import { onlyHost, onlyOwnPage, securityHeaders } from './guards.ts'
import { addIdentityRounds } from './identity-rounds.ts'
import { createInboxStream } from './inbox-stream.ts'
import { addLookRoutes } from './look-routes.ts'
import { addMailLinkRoutes } from './mail-link-routes.ts'
import type { OidcClient } from './oidc-client.ts'
import { addOperateRoutes } from './operate-routes.ts'
import { pageFiles, type PageFolder } from './page-files.ts'
import { addPasskeyRoutes, addPasskeySignIn } from './passkey-routes.ts'
import type { ServiceApi } from './service-api.ts'
import { addSessionRoutes } from './session-routes.ts'
import { createSessions } from './sessions.ts'
import type { ConsoleSettings } from './settings.ts'

export interface ConsolePorts {
  readonly clock: Clock
  /** Holds `collections`: sessions and what was begun. All instances share it. */
  readonly documents: DocumentStore
  readonly log: Log
  readonly people: People
  readonly approval: ServiceApi
  readonly audit: ServiceApi
  readonly page: PageFolder
  /** The page's one origin, asked for at each request: a free port is known late. Plain http on loopback only. */
  readonly origin: () => string
  /** Identity providers that persons may sign in with. */
  readonly clients: readonly OidcClient[]
  /** Behind Identity-Aware Proxy: who its assertion names. */
  readonly iap?: ProxyIdentity
  /** What the notifier signs links of mails with, 32 bytes; undefined: none is opened. */
  readonly mailLinkKey?: Uint8Array | undefined
}

export interface ConsoleService {
  /** For the console's own listener, at its root. */
  readonly routes: Router
  /** Ends streams. */
  drain(): Promise<void>
}

const BODY_BYTES = 64 * 1024

/** `secure`: the page is served over https; false on loopback only. */
export function createConsoleService(ports: ConsolePorts, settings: ConsoleSettings, secure: boolean): ConsoleService {
  const { clock, documents, log, people, approval, audit, origin, clients } = ports
  const { mode, decideBy, operators } = settings
  const cookies = createCookies(secure)
  // An allowance for each: whoever floods the one that is open to everybody keeps no person from deciding.
  const [sessions, begun, decisions] = [createSessions(documents, clock), createBegun(documents, clock), createBegun(documents, clock)]
  const inbox = createInboxStream({ approval, sessions, clock, log })
  const rpId = (): string => new URL(origin()).hostname
  const passkeyParts = { approval, begun, sessions, cookies, rpId }

  const router = express.Router({ caseSensitive: true })
  router.use(onlyHost(origin), securityHeaders(secure), onlyOwnPage(origin))
  router.use('/api', ...strictBodies())
  const rounds = addIdentityRounds(router, { begun, decisions, clients, approval, sessions, cookies, clock, origin, log })
  router.get('/api/sign-in', (_request, response) => void response.json({ mode, passkeys: decideBy === 'passkey', clients: clients.map(({ issuer, label }) => ({ issuer, label })) } satisfies SignInOptions))
  if (decideBy === 'passkey') addPasskeySignIn(router, passkeyParts)
  router.use('/api', requireSession({ sessions, cookies, people, operators, ...ports.iap === undefined ? {} : { iap: ports.iap } }))
  // Whatever was changed is told to those who look, without waiting for the next poll.
  router.use('/api', (request, response, next) => {
    if (request.method === 'POST') response.once('finish', () => inbox.wake())
    next()
  })
  addSessionRoutes(router, { sessions, cookies, people, log })
  addLookRoutes(router, { approval, audit, inbox, clock, mode, decideBy })
  addDecisionRoutes(router, { approval, decideBy, rpId, rounds })
  addMailLinkRoutes(router, { approval, documents, people, clock, key: ports.mailLinkKey })
  addOperateRoutes(router, approval, () => clock.now())
  if (decideBy === 'passkey') addPasskeyRoutes(router, passkeyParts)
  router.use(pageFiles(ports.page))
  return { routes: router, drain: () => inbox.close() }
}

/** Bodies are read for what changes anything; a read has none. */
function strictBodies() {
  return strictJson(BODY_BYTES).map((handler): express.RequestHandler => (request, response, next) => request.method === 'POST' ? handler(request, response, next) : next())
}

export { collections } from './collections.ts'
export { builtPage } from './built-page.ts'
export { openConsoleServer, type ConsoleServer } from './console-server.ts'
export type { People, ProxyIdentity } from './api-session.ts'
export { createOidcClient, type OidcClient, type OidcClientOptions } from './oidc-client.ts'
export type { PageFolder } from './page-files.ts'
export { createServiceApi, type ServiceApi, type ServicePlace } from './service-api.ts'
export { consoleSchema, oidcClientSchema, type ConsoleSettings, type OidcClientSetting } from './settings.ts'
