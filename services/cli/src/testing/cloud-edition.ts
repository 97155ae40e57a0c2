/**
 * Tests only: the Google Cloud edition on the emulators: every service a process of its own, the sandbox's identity provider and
 * upstream, files in place of KMS, Secret Manager and Cloud Storage, and pushes by accounts of the test's own issuer.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopology, openPubSub, type PubSubBus } from '@lockkeeper/adapter-google-cloud/pubsub'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { cloudEvent, TOPICS } from '@lockkeeper/domain/events'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import type { SlackServer } from '@lockkeeper/testkit'
import { startPushDelivery, type PushDelivery } from '@lockkeeper/testkit/push-delivery'
import { createAgent, type Heard, type TestAgent } from './agent-client.ts'
import { createApprovers, PEOPLE, type Approvers } from './approvers.ts'
import { ACCOUNTS, AUDIENCES, cloudSettings } from './cloud-settings.ts'
import { policyText } from './gateway-files.ts'
import { SLACK } from './slack-people.ts'
import { startService, type ServiceName, type ServiceProcess } from './service-process.ts'
import { createServiceTokens, type ServiceTokens } from './service-tokens.ts'

export interface CloudEditionOptions {
  readonly firestore: string
  readonly pubsub: string
  readonly projectId: string
  readonly rules: readonly RuleDocument[]
  /** Parts of the services' settings that replace the defaults. */
  readonly settings?: Partial<Readonly<Record<ServiceName, object>>>
  /** Approvers are told, and decide, in this Slack; without it there is no notifier. */
  readonly slack?: SlackServer
  /** Whether pushes come twice at this moment. */
  readonly deliverTwice?: () => boolean
}

export interface CloudEdition {
  readonly directory: string
  readonly idp: SandboxIdp
  readonly upstream: SandboxUpstream
  readonly tokens: ServiceTokens
  readonly approvers: Approvers
  readonly heard: Heard
  /** By name; a further process of a service by the name that it was started as. Events and questions go to the one under the service's own name. */
  readonly services: Map<string, ServiceProcess>
  /** Starts a service, or another process of it, and waits until it is ready. `parts` replace its settings. */
  start(name: ServiceName, options?: { readonly parts?: object, readonly as?: string, readonly port?: number, readonly preload?: string, readonly environment?: Readonly<Record<string, string>> }): Promise<ServiceProcess>
  /** All but the proxy and the notifier. */
  startInner(): Promise<void>
  agent(id: string, origin: string, run?: string): Promise<TestAgent>
  /** An operator's request to a service. */
  ask<T>(service: ServiceName, path: string, body?: object): Promise<T>
  /** The newest request of the agent once it is in this state, up to 10 s. */
  approval(agent: string, state: string): Promise<ApprovalDocument>
  /** Publishes a person's decision with their own proof, as notifier and console do. */
  decide(approval: Pick<ApprovalDocument, 'id' | 'digest'>, person: string, verdict?: 'approve' | 'deny'): Promise<void>
  writePolicies(rules: readonly RuleDocument[]): Promise<void>
  close(): Promise<void>
}

const SPONSOR = 'sam.sponsor@sandbox.example.com'

export async function openCloudEdition(options: CloudEditionOptions): Promise<CloudEdition> {
  const { firestore, pubsub, projectId } = options
  const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-cloud-'))
  const [idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream(), createTopology({ projectId, emulator: pubsub, topology: { ...TOPOLOGY, retention: { subscriptionDays: 7, deadLetterDays: 7 } } })])
  const tokens = createServiceTokens()
  const approvers = createApprovers()
  const services = new Map<string, ServiceProcess>()
  const bus: PubSubBus = openPubSub({ projectId, emulator: pubsub, log: QUIET })
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  await writeFiles(directory, options.rules, { 'sandbox-upstream': upstream.credential, 'slack-token': SLACK.token, 'slack-signing': SLACK.signing }, tokens.token(ACCOUNTS.proxy, AUDIENCES.approval))
  const pushes: PushDelivery = startPushDelivery({
    emulator: pubsub, projectId, prefix: TOPOLOGY.prefix,
    subscriptions: TOPOLOGY.subscriptions.filter(({ mode, service }) => mode === 'push' && service in AUDIENCES && (service !== 'notifier' || options.slack !== undefined)),
    endpoint: ({ service }) => services.get(service)?.origin, ...options.deliverTwice === undefined ? {} : { twice: options.deliverTwice },
    authorization: ({ service, pushPath }) => `Bearer ${tokens.token(ACCOUNTS.pusher, `${AUDIENCES[service as keyof typeof AUDIENCES]}${pushPath}`)}`,
  })
  const common = { apiVersion: 'lockkeeper.dev/v1', mode: 'sandbox', project: projectId, emulators: { firestore, pubsub }, log: 'info' }
  const settings = cloudSettings(common, { idp, upstream, tokens, approvers, slack: options.slack }, () => services.get('approval')?.origin ?? 'http://127.0.0.1:1')
  const edition: CloudEdition = {
    directory, idp, upstream, tokens, approvers, heard, services,
    async start(name, { parts, as = name, port, preload, environment } = {}) {
      const service = await startService(name, { directory, settings: { ...settings(name), ...options.settings?.[name], ...parts }, ...port === undefined ? {} : { port }, ...preload === undefined ? {} : { preload }, ...environment === undefined ? {} : { environment } })
      services.set(as, service)
      await service.ready()
      return service
    },
    async startInner() { await Promise.all([edition.start('approval'), edition.start('policy'), edition.start('audit')]) },
    async agent(id, origin, run = `run-${id}`) {
      const token = await idp.mintAgentToken({ agent: id, run, sponsor: SPONSOR })
      heard.tokens.push(token)
      return createAgent({ id, run, token }, () => origin, heard)
    },
    ask: (service, path, body) => askAs(tokens.token(ACCOUNTS.operator, AUDIENCES[service as keyof typeof AUDIENCES]), services.get(service)?.origin ?? '', path, body),
    async approval(agent, state) {
      let seen = 'none'
      for (const until = performance.now() + 10_000; performance.now() < until; await sleep(25)) {
        const { approvals } = await edition.ask<{ readonly approvals: readonly ApprovalDocument[] }>('approval', `/v1/approvals?agent=${agent}`)
        const [newest] = approvals
        if (newest?.state === state) return newest
        seen = newest?.state ?? 'none'
      }
      throw new Error(`the newest request of ${agent} is ${seen}, not ${state}`)
    },
    async decide({ id, digest }, person, verdict = 'approve') {
      const proof = { kind: 'idToken', token: approvers.token(person, `${verdict}:${id}:${digest}`) }
      await bus.publish(TOPICS.decisions, [cloudEvent('decision.submitted', '/test', randomUUID(), Date.now(), { approval: id, digest, verdict, proof })])
    },
    writePolicies: (rules) => writeFile(join(directory, 'policies', 'scenario.yaml'), policyText(rules)),
    async close() {
      await pushes.stop()
      await Promise.all([...services.values()].map((service) => service.stop()))
      await Promise.all([bus.close(), idp.close(), upstream.close()])
      await rm(directory, { recursive: true, force: true })
    },
  }
  return edition
}

const quiet = (): void => undefined
const QUIET = { debug: quiet, info: quiet, warn: quiet, error: quiet }

async function writeFiles(directory: string, rules: readonly RuleDocument[], given: Readonly<Record<string, string>>, identity: string): Promise<void> {
  await Promise.all([mkdir(join(directory, 'policies')), mkdir(join(directory, 'secrets'), { mode: 0o700 })])
  const key = (): string => randomBytes(32).toString('base64')
  const secret = (name: string, value: string): Promise<void> => writeFile(join(directory, 'secrets', name), value, { mode: 0o600 })
  await Promise.all([
    ...Object.entries({ 'session-key': key(), 'receipt-key': key(), ...given }).map(([name, value]) => secret(name, value)),
    writeFile(join(directory, 'identity'), identity, { mode: 0o600 }),
    writeFile(join(directory, 'people.yaml'), PEOPLE),
    writeFile(join(directory, 'policies', 'scenario.yaml'), policyText(rules)),
  ])
}

async function askAs<T>(token: string, origin: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(origin + path, { headers: { authorization: `Bearer ${token}`, ...body === undefined ? {} : { 'content-type': 'application/json' } }, ...body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as T
}
