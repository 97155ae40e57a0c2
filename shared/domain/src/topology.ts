/**
 * Who publishes what, who takes it, and how it is delivered: the one truth of the Google Cloud edition's messaging. infra/topology.json
 * is generated from it and is what terraform and compose read. The embedded edition needs none: its bus makes queues as they are named.
 */
import { EVENT_TYPES, schemaName } from './event-schemas.ts'
import { EVENT_TOPICS, TOPICS } from './events.ts'

export interface TopicSpec {
  /** What `EventBus.publish` takes. The topic's id in Pub/Sub is `prefix` + name. */
  readonly name: string
  /** Event types that may stand in it, each with the schema of its data: `infra/schemas/SCHEMA.json`. */
  readonly events: readonly { readonly type: string, readonly schema: string }[]
}

export interface SubscriptionSpec {
  /** Unique; `prefix` + id is the subscription's id in Pub/Sub. */
  readonly id: string
  readonly topic: string
  /** What the consumer gives `EventBus.subscribe` as name. */
  readonly name: string
  /** The service that takes it: its account and no other may pull it or be pushed to. */
  readonly service: string
  /** `push`: Pub/Sub posts to `pushPath` of the service, with an OIDC token; `pull`: the service holds a stream. */
  readonly mode: 'push' | 'pull'
  readonly pushPath?: string
  /** 10 to 600. For push also the time within which the endpoint must answer. */
  readonly ackDeadlineSeconds: number
  /** Between two deliveries, 0 to 600. */
  readonly minBackoffSeconds: number
  readonly maxBackoffSeconds: number
  /** Before an event goes to the dead letters, 5 to 100. */
  readonly maxDeliveries: number
  /** True costs throughput and lets one bad event hold up those behind it; nothing here needs it: consumers take any order. */
  readonly ordered: boolean
  /** Pub/Sub filter that keeps out what was redriven for another subscription of the topic; `redriveFilter(id)`. It cannot be changed later. */
  readonly filter: string
  /** `ackDeadlineSeconds`: so long a letter is leased to who looks at it or hands it to the consumer again. */
  readonly deadLetter: { readonly topic: string, readonly subscription: string, readonly ackDeadlineSeconds: number }
}

export interface DatabaseSpec {
  /** A Firestore database is the one service's that writes it. */
  readonly name: string
  readonly writer: string
  readonly readers: readonly string[]
}

export interface ServiceSpec {
  readonly name: string
  /** Topics that its account may publish to; its own dead-letter topics come on top. */
  readonly publishes: readonly string[]
}

export interface Topology {
  /** Stands before every topic and subscription id, so that they clash with nobody else's in the project. */
  readonly prefix: string
  readonly retention: { readonly subscriptionDays: number, readonly deadLetterDays: number }
  readonly topics: readonly TopicSpec[]
  readonly subscriptions: readonly SubscriptionSpec[]
  readonly databases: readonly DatabaseSpec[]
  readonly services: readonly ServiceSpec[]
}

/** Attribute of a message that was redriven: the id of the one subscription that it is for. */
export const REDRIVEN_FOR = 'lockkeeper-redriven-for'

/** Pub/Sub's filter language: cloud.google.com/pubsub/docs/subscription-message-filter. */
export function redriveFilter(subscriptionId: string): string {
  return `attributes.${REDRIVEN_FOR} = "${subscriptionId}" OR NOT attributes:${REDRIVEN_FOR}`
}

/** What a subscription of its own says; the rest is the house's. */
type Own = Pick<SubscriptionSpec, 'id' | 'topic' | 'name' | 'service'> & Partial<Pick<SubscriptionSpec, 'mode' | 'ackDeadlineSeconds' | 'maxDeliveries'>>

/** About 15 minutes of trying with the default backoff: longer than a roll-out or a restart of a database. */
const MAX_DELIVERIES = 20

export function subscriptionSpec({ id, mode = 'push', ackDeadlineSeconds = 30, maxDeliveries = MAX_DELIVERIES, ...own }: Own): SubscriptionSpec {
  return {
    id, ...own, mode, ...(mode === 'push' ? { pushPath: `/push/${id}` } : {}),
    ackDeadlineSeconds, minBackoffSeconds: 1, maxBackoffSeconds: 60, maxDeliveries, ordered: false, filter: redriveFilter(id),
    deadLetter: { topic: `${id}-dead`, subscription: `${id}-dead`, ackDeadlineSeconds: Math.min(600, ackDeadlineSeconds + 60) },
  }
}

const topicSpec = (name: string): TopicSpec => ({
  name,
  events: EVENT_TYPES.filter((type) => EVENT_TOPICS[type] === name).map((type) => ({ type, schema: schemaName(type) })),
})

export const TOPOLOGY: Topology = {
  prefix: 'lockkeeper-',
  retention: { subscriptionDays: 7, deadLetterDays: 31 },
  topics: Object.values(TOPICS).map(topicSpec),
  subscriptions: [
    subscriptionSpec({ id: 'approval-access', topic: TOPICS.access, name: 'approval-access', service: 'approval' }),
    subscriptionSpec({ id: 'approval-decisions', topic: TOPICS.decisions, name: 'approval-decisions', service: 'approval' }),
    // Record batches: many, large, and only the one process that orders them may take them.
    subscriptionSpec({ id: 'audit-records', topic: TOPICS.records, name: 'audit', service: 'audit', mode: 'pull', ackDeadlineSeconds: 60, maxDeliveries: 100 }),
    subscriptionSpec({ id: 'audit-approvals', topic: TOPICS.approvals, name: 'audit', service: 'audit' }),
    subscriptionSpec({ id: 'audit-locks', topic: TOPICS.locks, name: 'audit', service: 'audit' }),
    subscriptionSpec({ id: 'audit-policies', topic: TOPICS.policies, name: 'audit', service: 'audit' }),
    subscriptionSpec({ id: 'notifier-approvals', topic: TOPICS.approvals, name: 'notifier-approvals', service: 'notifier' }),
    subscriptionSpec({ id: 'notifier-locks', topic: TOPICS.locks, name: 'notifier-locks', service: 'notifier' }),
    subscriptionSpec({ id: 'notifier-notices', topic: TOPICS.notices, name: 'notifier-notices', service: 'notifier' }),
  ],
  databases: [
    { name: 'policy', writer: 'policy', readers: ['proxy'] },
    { name: 'approval', writer: 'approval', readers: ['proxy'] },
    { name: 'notifier', writer: 'notifier', readers: [] },
    // Who owns the log at this moment; the log itself lies in Cloud Storage.
    { name: 'audit', writer: 'audit', readers: [] },
    // Who is signed in, on whichever instance.
    { name: 'console', writer: 'console', readers: [] },
  ],
  services: [
    { name: 'proxy', publishes: [TOPICS.access, TOPICS.records] },
    { name: 'policy', publishes: [TOPICS.policies] },
    { name: 'approval', publishes: [TOPICS.approvals, TOPICS.locks] },
    // Marks, which come back once everything before them has been handed over, and calls that a rule tells somebody of.
    { name: 'audit', publishes: [TOPICS.records, TOPICS.notices] },
    { name: 'notifier', publishes: [TOPICS.decisions] },
    // Decisions go to the approval service's own API, with the person's proof.
    { name: 'console', publishes: [] },
  ],
}
