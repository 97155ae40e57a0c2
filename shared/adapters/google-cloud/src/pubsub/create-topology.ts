/** Topics and subscriptions on an emulator, from the topology: for tests and compose. In a project terraform makes them, with accounts and tokens. */
import { TOPOLOGY, type SubscriptionSpec, type Topology } from '@lockkeeper/domain/topology'
import { ALREADY_EXISTS, codeOf, openClient, within, type Client } from './client.ts'
import { Resources } from './resources.ts'

export interface CreateTopologyOptions {
  readonly projectId: string
  /** `host:port`. */
  readonly emulator: string
  /** Default `TOPOLOGY`. */
  readonly topology?: Topology
  /** Default the topology's. */
  readonly prefix?: string
  /** Where a push subscription is posted to; the emulator sends no token. Undefined: it is made for pulling, for whoever pushes in Pub/Sub's stead. */
  readonly pushEndpoint?: (subscription: SubscriptionSpec) => string | undefined
}

const STEP_MS = 10_000
const DAY_SECONDS = 86_400
/** The emulator refuses the 31 days that the service takes, and forgets everything with its process anyway. */
const EMULATOR_DAYS = 7

/** What is there already stays as it is. */
export async function createTopology({ projectId, emulator, topology = TOPOLOGY, prefix, pushEndpoint = () => undefined }: CreateTopologyOptions): Promise<void> {
  const resources = new Resources(projectId, topology, prefix)
  const client = openClient({ projectId, emulator })
  try {
    const topics = [...topology.topics.map(({ name }) => name), ...topology.subscriptions.map(({ deadLetter }) => deadLetter.topic)]
    await Promise.all(topics.map((topic) => step(`making topic ${topic}`, () => client.createTopic(resources.topic(topic)))))
    await Promise.all(topology.subscriptions.map((spec) => createSubscription(client, resources, spec, pushEndpoint(spec))))
  } finally {
    await client.close()
  }
}

async function createSubscription(client: Client, resources: Resources, spec: SubscriptionSpec, pushEndpoint: string | undefined): Promise<void> {
  const { subscriptionDays, deadLetterDays } = resources.topology.retention
  const { deadLetter } = spec
  await step(`making the dead letters of ${spec.id}`, () => client.createSubscription(resources.topic(deadLetter.topic), resources.subscription(deadLetter.subscription), {
    ackDeadlineSeconds: deadLetter.ackDeadlineSeconds, messageRetentionDuration: { seconds: Math.min(EMULATOR_DAYS, deadLetterDays) * DAY_SECONDS }, expirationPolicy: {},
  }))
  await step(`making ${spec.id}`, () => client.createSubscription(resources.topic(spec.topic), resources.subscription(spec.id), {
    ackDeadlineSeconds: spec.ackDeadlineSeconds, filter: spec.filter, enableMessageOrdering: spec.ordered, expirationPolicy: {},
    messageRetentionDuration: { seconds: Math.min(EMULATOR_DAYS, subscriptionDays) * DAY_SECONDS },
    // Without a policy it comes again at once.
    ...(spec.maxBackoffSeconds === 0 ? {} : { retryPolicy: { minimumBackoff: { seconds: spec.minBackoffSeconds }, maximumBackoff: { seconds: spec.maxBackoffSeconds } } }),
    deadLetterPolicy: { deadLetterTopic: resources.topic(deadLetter.topic), maxDeliveryAttempts: spec.maxDeliveries },
    ...(pushEndpoint === undefined ? {} : { pushConfig: { pushEndpoint } }),
  }))
}

async function step(what: string, make: () => Promise<unknown>): Promise<void> {
  try {
    await within(STEP_MS, what, make())
  } catch (error) {
    if (codeOf((error as Error).cause) !== ALREADY_EXISTS) throw error
  }
}
