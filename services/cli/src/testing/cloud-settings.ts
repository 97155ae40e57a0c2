/** Tests only: the settings of the Google Cloud edition's services on the emulators, and who is who between them. */
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import type { SlackServer } from '@lockkeeper/testkit'
import type { Approvers } from './approvers.ts'
import type { ServiceName } from './service-process.ts'
import type { ServiceTokens } from './service-tokens.ts'
import { SLACK } from './slack-people.ts'

export const ACCOUNTS = { proxy: 'proxy@gateway.iam.gserviceaccount.com', pusher: 'pusher@gateway.iam.gserviceaccount.com', operator: 'kim@acme.example' } as const
export const AUDIENCES = { approval: 'http://approval.test', audit: 'http://audit.test', policy: 'http://policy.test', notifier: 'http://notifier.test' } as const
const DECIDES = ['high', 'medium', 'change'] as const

export interface Given { readonly idp: SandboxIdp, readonly upstream: SandboxUpstream, readonly tokens: ServiceTokens, readonly approvers: Approvers, readonly slack: SlackServer | undefined }

/** One key for everything that is signed, one directory for all blobs: they stand in for KMS and Cloud Storage. */
export function cloudSettings(common: object, { idp, upstream, tokens, approvers, slack }: Given, approvalOrigin: () => string): (name: ServiceName) => object {
  const signer = { file: 'keys/signing.pem' }
  const blobs = { directory: 'blobs' }
  const callers = (service: keyof typeof AUDIENCES, allowed: string): object => ({ issuers: tokens.issuers, audience: AUDIENCES[service], allowed: [allowed] })
  const pusher = (service: keyof typeof AUDIENCES): object => ({ issuers: tokens.issuers, origin: AUDIENCES[service], account: ACCOUNTS.pusher })
  return (name) => {
    switch (name) {
      case 'proxy': return {
        ...common, kind: 'Proxy', databases: { policy: 'policy', approval: 'approval' }, blobs, signer, policyKeys: [signer], secrets: { directory: 'secrets' }, people: 'people.yaml',
        approval: { origin: approvalOrigin() }, identity: { tokenFile: 'identity' }, hold: '5s',
        issuers: [{ name: 'sandbox', issuer: idp.issuer, audience: 'lockkeeper', agent: { id: 'claims.agent', run: 'claims.run', sponsor: 'claims.sponsor' } }],
        targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream: upstream.origin, credential: { secret: 'sandbox-upstream' } }],
      }
      case 'approval': return {
        ...common, kind: 'Approval', database: 'approval', blobs, secrets: { directory: 'secrets' }, people: 'people.yaml', approverIssuers: [approvers.settings],
        proxies: callers('approval', ACCOUNTS.proxy), operators: callers('approval', ACCOUNTS.operator), pusher: pusher('approval'),
        ...slack === undefined ? {} : { slack: { app: SLACK.app, team: SLACK.team, signingSecret: 'slack-signing', decides: DECIDES } },
      }
      case 'audit': return { ...common, kind: 'Audit', database: 'audit', blobs, signer, writerKeys: [signer], operators: callers('audit', ACCOUNTS.operator), pusher: pusher('audit') }
      case 'notifier': return {
        ...common, kind: 'Notifier', database: 'notifier', secrets: { directory: 'secrets' }, people: 'people.yaml', operators: callers('notifier', ACCOUNTS.operator), pusher: pusher('notifier'),
        notify: { slack: { decides: DECIDES }, channels: [{ kind: 'slack', name: 'approvers', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack?.apiUrl }] },
      }
      case 'policy': return { ...common, kind: 'Policy', database: 'policy', blobs, signer, policies: 'policies', operators: callers('policy', ACCOUNTS.operator) }
    }
  }
}
