/**
 * Tests only: the container that is all the outside world: the agents' identity provider, Google, and whoever issues tokens to
 * service accounts and people. It writes the services' settings first. The sandbox listens on loopback alone, so a relay stands before its upstream.
 */
import type { KeyObject } from 'node:crypto'
import { SANDBOX_NAME, startSandboxIdp, startSandboxPeopleIdp, startSandboxUpstream, type AgentTokenRequest } from '@lockkeeper/sandbox'
import { createApprovers } from '../approvers.ts'
import { accountKeys, createServiceTokens } from '../service-tokens.ts'
import { composeSettings } from './compose-settings.ts'
import { ACCOUNTS, CONSOLE_ORIGIN, ORIGINS, PEOPLE_IDP, PLACES, UPSTREAM } from './places.ts'
import { relay } from './relay.ts'
import { serveJson, type JsonRoutes } from './serve-json.ts'
import { writeIdentity, writePrivate, writeSettingsFolder } from './settings-folder.ts'

/** Half of a token's life. */
const RENEW_MS = 30 * 60_000

/** `port`: where tokens are asked for and the upstream's log is read. Resolves when everything is there. */
export async function runSandboxContainer(port: number): Promise<void> {
  const beside = { mode: 'sandbox', environment: process.env } as const
  const [idp, upstream, people] = await Promise.all([
    startSandboxIdp({ beside }), startSandboxUpstream({ beside }),
    startSandboxPeopleIdp({ beside, port: PEOPLE_IDP.port, client: { id: PEOPLE_IDP.client, redirectUri: `${CONSOLE_ORIGIN}/sign-in/callback` }, people: ['ada', 'max', 'mallory'] }),
  ])
  const keys = accountKeys()
  const tokens = createServiceTokens(keys)
  const approvers = createApprovers()
  await writePrivate(PLACES.accountsKey, pemOf(keys.privateKey))
  const [jwks, peopleJwks] = await Promise.all([idp, people].map(async ({ issuer }) => (await fetch(new URL('/jwks', issuer))).text())) as [string, string]
  await writeSettingsFolder({ settings: composeSettings({ agents: { issuer: idp.issuer, jwks }, approvers: approvers.settings, peopleJwks, accounts: tokens.issuers }), upstreamCredential: upstream.credential })
  const renew = async (): Promise<void> => {
    await writeIdentity('identity', tokens.token(ACCOUNTS.proxy, ORIGINS.approval))
    for (const service of ['approval', 'audit'] as const) await writeIdentity(`console-${service}-identity`, tokens.token(ACCOUNTS.console, ORIGINS[service]))
  }
  await renew()
  setInterval(() => void renew(), RENEW_MS)
  await relay({ host: '0.0.0.0', port: UPSTREAM.port }, { host: '127.0.0.1', port: Number(new URL(upstream.origin).port) })
  await relay({ host: '0.0.0.0', port: PEOPLE_IDP.relayed }, { host: '127.0.0.1', port: PEOPLE_IDP.port })
  const routes: JsonRoutes = {
    '/healthz': () => ({ name: SANDBOX_NAME }),
    '/agent-token': async (asked) => ({ token: await idp.mintAgentToken(asked as unknown as AgentTokenRequest) }),
    '/approver-token': ({ person, nonce }) => ({ token: approvers.token(String(person), String(nonce)) }),
    '/account-token': ({ email, audience }) => ({ token: tokens.token(String(email), String(audience)) }),
    '/upstream-requests': () => ({ requests: upstream.requests.list() }),
  }
  await serveJson({ host: '0.0.0.0', port }, routes)
}

const pemOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()
