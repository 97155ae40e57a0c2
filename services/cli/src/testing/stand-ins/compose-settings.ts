/** Tests only: the settings files of the six services in docker-compose.test.yml; what stands in for Google is named in each. */
import { ACCOUNTS, CONSOLE_ORIGIN, EMULATORS, ORIGINS, PEOPLE_IDP, PLACES, PROJECT_ID, RECEIVER, UPSTREAM, type InnerService } from './places.ts'

export interface Trusted {
  /** The agents' issuer and its keys. */
  readonly agents: { readonly issuer: string, readonly jwks: string }
  /** For `approverIssuers`. */
  readonly approvers: object
  /** Keys of the identity provider that people sign in at, as JSON. */
  readonly peopleJwks: string
  /** Issuers of service accounts' and operators' tokens. */
  readonly accounts: readonly object[]
}

/** By file name in the settings' folder. */
export function composeSettings({ agents, approvers, peopleJwks, accounts }: Trusted): Readonly<Record<string, object>> {
  const common = { apiVersion: 'lockkeeper.dev/v1', mode: 'sandbox', project: PROJECT_ID, emulators: EMULATORS }
  const signer = { file: 'keys/signing.pem' }
  const blobs = { directory: PLACES.blobs }
  const secrets = { directory: 'secrets' }
  const people = 'people.yaml'
  const approverIssuers = [approvers, { name: 'sign-in', issuer: PEOPLE_IDP.issuer, audience: PEOPLE_IDP.client, algorithms: ['ES256'], jwks: peopleJwks }]
  const callers = (service: InnerService, allowed: string): object => ({ issuers: accounts, audience: ORIGINS[service], allowed: [allowed] })
  const inner = (service: InnerService): object => ({ ...common, database: service, operators: callers(service, ACCOUNTS.operator) })
  const pusher = (service: InnerService): object => ({ issuers: accounts, origin: ORIGINS[service], account: ACCOUNTS.pusher })
  return {
    'proxy.yaml': {
      ...common, kind: 'Proxy', databases: { policy: 'policy', approval: 'approval' }, blobs, signer, policyKeys: [signer], secrets, people,
      approval: { origin: ORIGINS.approval }, identity: { tokenFile: 'identity' }, hold: '10s',
      issuers: [{ name: 'sandbox', issuer: agents.issuer, jwks: agents.jwks, discovery: false, audience: 'lockkeeper', agent: { id: 'claims.agent', run: 'claims.run', sponsor: 'claims.sponsor' } }],
      targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream: UPSTREAM.origin, credential: { secret: 'sandbox-upstream' } }],
    },
    'approval.yaml': { ...inner('approval'), kind: 'Approval', blobs, secrets, people, approverIssuers, console: ACCOUNTS.console, proxies: callers('approval', ACCOUNTS.proxy), pusher: pusher('approval') },
    'audit.yaml': { ...inner('audit'), operators: { ...callers('audit', ACCOUNTS.operator), allowed: [ACCOUNTS.operator, ACCOUNTS.console] }, kind: 'Audit', blobs, signer, writerKeys: [signer], pusher: pusher('audit') },
    'policy.yaml': { ...inner('policy'), kind: 'Policy', blobs, signer, policies: 'policies' },
    'console.yaml': {
      ...common, kind: 'Console', database: 'console', origin: CONSOLE_ORIGIN, people, approverIssuers, signIn: [{ issuer: 'sign-in', clientId: PEOPLE_IDP.client, label: 'the sandbox' }],
      services: { approval: ORIGINS.approval, audit: ORIGINS.audit }, identity: { tokenFile: 'console-{service}-identity' },
    },
    'notifier.yaml': {
      ...inner('notifier'), kind: 'Notifier', secrets, people, pusher: pusher('notifier'),
      notify: { channels: [{ kind: 'webhook', name: 'receiver', url: RECEIVER.url, secret: 'receiver', allowPrivateAddresses: true }] },
    },
  }
}
