/** EventBus over Pub/Sub. Topics and subscriptions are made beforehand, from the topology; nothing here makes any. */
import { eventProblem } from '@lockkeeper/domain/event-schemas'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { EventBus, Subscription, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { TOPOLOGY, type SubscriptionSpec, type Topology } from '@lockkeeper/domain/topology'
import { openClient, subscriberApi, type Client, type ClientOptions } from './client.ts'
import { DeadLetters } from './dead-letters.ts'
import { Deliveries, type Consumption, type DeliveryParts, type Handler, type PubSubLog, type Received } from './deliveries.ts'
import { toMessage } from './event-message.ts'
import { Publisher, type PublisherSettings } from './publisher.ts'
import { PullConsumer } from './pull-consumer.ts'
import { PushReceiver, type PushAnswer, type PushRequest, type VerifyPusher } from './push-receiver.ts'
import { Resources } from './resources.ts'

export interface PubSubOptions extends ClientOptions, Partial<PublisherSettings> {
  readonly log: PubSubLog
  readonly onSettled?: DeliveryParts['onSettled']
  /** Default `TOPOLOGY`. */
  readonly topology?: Topology
  /** Default the topology's. */
  readonly prefix?: string
  /** Whose subscriptions `deadLetters` and `redrive` look at; default all, for an operator's account. */
  readonly service?: string
  /** Needed as soon as a subscription of mode `push` is subscribed. */
  readonly verifyPusher?: VerifyPusher
  /** Why an event can stand in no topic of that name; default `eventProblem`: types stand in their own topics, data has its schema. */
  readonly checkEvent?: (topic: string, event: CloudEvent) => string | undefined
}

export interface PubSubBus extends EventBus {
  /** What the service's `POST /push/ID` answers with. Never rejects. */
  receivePush(subscriptionId: string, request: PushRequest): Promise<PushAnswer>
  /** Closes all subscriptions and the connections; publishes under way end first, each in its time. */
  close(): Promise<void>
}

const DEFAULTS: PublisherSettings = { publishTimeoutMs: 10_000, maxOutstanding: 10_000, maxOutstandingBytes: 128 * 1024 * 1024 }
const MAX_NAME = 200

export function openPubSub(options: PubSubOptions): PubSubBus {
  return new PubSubEvents(options)
}

class PubSubEvents implements PubSubBus {
  readonly #client: Client
  readonly #api: ReturnType<typeof subscriberApi>
  readonly #resources: Resources
  readonly #publisher: Publisher
  readonly #deliveries: Deliveries
  readonly #letters: DeadLetters
  readonly #push: PushReceiver
  readonly #log: PubSubLog
  readonly #open = new Set<Subscription>()
  /** By subscription id: handlers that are in this process. */
  readonly #consumptions = new Map<string, Consumption>()
  readonly #publishing = new Set<Promise<void>>()

  constructor({ log, onSettled, topology = TOPOLOGY, prefix, service, verifyPusher, checkEvent = eventProblem, projectId, emulator, endpoint, ...given }: PubSubOptions) {
    const settings = { ...DEFAULTS, ...given }
    this.#resources = new Resources(projectId, topology, prefix)
    this.#client = openClient({ projectId, ...(emulator === undefined ? {} : { emulator }), ...(endpoint === undefined ? {} : { endpoint }) })
    this.#api = subscriberApi(this.#client)
    this.#publisher = new Publisher(this.#client, settings)
    this.#log = log
    const resources = this.#resources
    this.#deliveries = new Deliveries({ publisher: this.#publisher, resources, checkEvent, log, onSettled })
    this.#push = new PushReceiver({ deliveries: this.#deliveries, resources, verifyPusher, log })
    this.#letters = new DeadLetters({ api: this.#api, publisher: this.#publisher, resources, timeoutMs: settings.publishTimeoutMs, handOver: (spec, letter) => this.#handOver(spec, letter), ...(service === undefined ? {} : { service }) })
  }

  async publish(topic: string, events: readonly CloudEvent[]): Promise<void> {
    if (!this.#resources.isTopic(topic)) throw new TypeError(`the topology has no topic ${String(topic)}`)
    const work = this.#publisher.publish(this.#resources.topic(topic), events.map(toMessage))
    this.#publishing.add(work)
    try {
      await work
    } finally {
      this.#publishing.delete(work)
    }
  }

  subscribe(options: SubscriptionOptions, handler: Handler): Subscription {
    checkName('topic', options.topic)
    checkName('subscription', options.name)
    const concurrency = inRange('concurrency', options.concurrency ?? 16, 1, 1000)
    const wanted = options.maxDeliveries === undefined ? 100 : inRange('maxDeliveries', options.maxDeliveries, 5, 100)
    const spec = this.#resources.find(options.topic, options.name)
    const ackDeadlineMs = inRange('ackDeadlineMs', options.ackDeadlineMs ?? spec.ackDeadlineSeconds * 1000, 10, 600_000)
    // Pub/Sub itself gives up after the topology's number: a handler may ask for fewer, never for more.
    const consumption: Consumption = { spec, handler, ackDeadlineMs, maxDeliveries: Math.min(wanted, spec.maxDeliveries) }
    const taken = spec.mode === 'push' ? this.#push.register(consumption, concurrency) : this.#pull(consumption, concurrency)
    this.#consumptions.set(spec.id, consumption)
    const subscription: Subscription = {
      close: async () => {
        if (this.#consumptions.get(spec.id) === consumption) this.#consumptions.delete(spec.id)
        await taken.close()
        this.#open.delete(subscription)
      },
    }
    this.#open.add(subscription)
    return subscription
  }

  async deadLetters(limit: number) {
    inRange('limit', limit, 1, 1000)
    return this.#letters.list(limit)
  }

  redrive(id: string): Promise<boolean> {
    return this.#letters.redrive(id)
  }

  receivePush(subscriptionId: string, request: PushRequest): Promise<PushAnswer> {
    return this.#push.receive(subscriptionId, request)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((subscription) => subscription.close()))
    await Promise.allSettled(this.#publishing)
    const ends = await Promise.allSettled([this.#client.close(), this.#api.close()])
    // A client that never had credentials has no connection to close, and says so.
    for (const end of ends) if (end.status === 'rejected') this.#log.warn({ err: end.reason as unknown }, 'a connection to Pub/Sub did not close')
  }

  #handOver({ id }: SubscriptionSpec, letter: Received): Promise<void> | undefined {
    const consumption = this.#consumptions.get(id)
    return consumption === undefined ? undefined : this.#deliveries.redeliver(consumption, letter)
  }

  #pull(consumption: Consumption, concurrency: number): Subscription {
    return new PullConsumer({
      client: this.#client, subscription: this.#resources.subscription(consumption.spec.id), concurrency, ackDeadlineMs: consumption.ackDeadlineMs,
      settle: (received) => this.#deliveries.settle(consumption, received), log: this.#log,
    })
  }
}

function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) throw new TypeError(`a ${what} is text of 1 to ${MAX_NAME} characters`)
}

function inRange(what: string, given: number, least: number, most: number): number {
  if (!Number.isInteger(given) || given < least || given > most) throw new TypeError(`${what} is ${least} to ${most}, not ${given}`)
  return given
}
