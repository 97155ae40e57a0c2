/**
 * What was given up: one dead-letter subscription for each subscription, looked at by pulling without acknowledging. While one looks,
 * the letters are leased to it, so another that looks in that moment may see fewer. One look at a time in a process.
 */
import { REDRIVEN_FOR, type SubscriptionSpec } from '@lockkeeper/domain/topology'
import { PortUnavailable, type EventBus } from '@lockkeeper/domain/ports'
import { within, type SubscriberApi } from './client.ts'
import { LETTER_ERROR, type Received } from './deliveries.ts'
import { describeUnreadable, readEvent } from './event-message.ts'
import type { Publisher } from './publisher.ts'
import type { Resources } from './resources.ts'

export type DeadLetter = Awaited<ReturnType<EventBus['deadLetters']>>[number]

interface Held { readonly ackId: string, readonly messageId: string, readonly at: number, readonly data: Buffer, readonly attributes: Readonly<Record<string, string>> }

export interface DeadLetterParts {
  readonly api: SubscriberApi
  readonly publisher: Publisher
  readonly resources: Resources
  readonly timeoutMs: number
  /** Only those of this service's subscriptions, where its account may see no other. */
  readonly service?: string
  /** Hands it to the subscription's handler in this process, as `Deliveries.redeliver`; undefined where there is none. */
  readonly handOver: (spec: SubscriptionSpec, letter: Received) => Promise<void> | undefined
}

/** Letters and bytes of one subscription that one look takes into memory; beyond these the oldest or newest may be missing. */
const MOST_LETTERS = 1000
const MOST_BYTES = 64 * 1024 * 1024
const LETTER_ID = /^dl_([a-z][a-z0-9-]{1,200})\.([\w-]{1,64})$/
/** Put there by Pub/Sub when it gives up itself; not part of the event. */
const OF_PUBSUB = /^CloudPubSubDeadLetter/

export class DeadLetters {
  readonly #parts: DeadLetterParts
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: DeadLetterParts) {
    this.#parts = parts
  }

  list(limit: number): Promise<readonly DeadLetter[]> {
    return this.#alone(async () => {
      const found = await Promise.all(this.#subscriptions().map((spec) => this.#look(spec, async (held) => held.map((one) => letterOf(spec, one)))))
      return found.flat().sort((one, two) => two.at - one.at).slice(0, limit)
    })
  }

  /**
   * Gives it to the consumer that had given it up, and to no other. Where that consumer is in this process it gets it here and now, so that
   * its account need not publish to the topic; if it refuses, the letter stays and this rejects with PortUnavailable. Else the letter is
   * published to its topic again, marked for the one subscription. A failure before the letter is taken away delivers it twice at worst.
   */
  async redrive(id: string): Promise<boolean> {
    const [, subscription, messageId] = LETTER_ID.exec(id) ?? []
    const spec = this.#subscriptions().find((one) => one.id === subscription)
    if (spec === undefined) return false
    return this.#alone(() => this.#look(spec, async (held) => {
      const letter = held.find((one) => one.messageId === messageId)
      if (letter === undefined) return false
      await this.#giveBack(spec, letter)
      const { api, resources, timeoutMs } = this.#parts
      await within(timeoutMs, 'taking a dead letter', api.acknowledge({ subscription: resources.subscription(spec.deadLetter.subscription), ackIds: [letter.ackId] }))
      return true
    }))
  }

  async #giveBack(spec: SubscriptionSpec, { messageId, data, attributes: all }: Held): Promise<void> {
    const { publisher, resources, handOver } = this.#parts
    const attributes = Object.fromEntries(Object.entries(all).filter(([name]) => !OF_PUBSUB.test(name) && name !== LETTER_ERROR))
    const handled = handOver(spec, { messageId, data, attributes, attempt: 1 })
    if (handled === undefined) return publisher.publish(resources.topic(spec.topic), [{ data, attributes: { ...attributes, [REDRIVEN_FOR]: spec.id } }])
    try {
      await handled
    } catch (cause) {
      throw new PortUnavailable(`the consumer of ${spec.id} refuses it again: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  #subscriptions(): readonly SubscriptionSpec[] {
    const { resources, service } = this.#parts
    return resources.topology.subscriptions.filter((spec) => service === undefined || spec.service === service)
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  /** Leases what there is, shows it to `see` and gives every lease back; one that `see` acknowledged has none. */
  async #look<T>(spec: SubscriptionSpec, see: (held: readonly Held[]) => Promise<T>): Promise<T> {
    const { api, resources, timeoutMs } = this.#parts
    const subscription = resources.subscription(spec.deadLetter.subscription)
    const held = new Map<string, Held>()
    const ackIds: string[] = []
    try {
      let bytes = 0
      for (let empty = 0; empty < 2 && held.size < MOST_LETTERS && bytes < MOST_BYTES;) {
        const [{ receivedMessages }] = await within(timeoutMs, 'looking at dead letters', api.pull({ subscription, maxMessages: Math.min(100, MOST_LETTERS - held.size), returnImmediately: true }))
        // The service may answer with nothing although there is something.
        empty = receivedMessages?.length ? 0 : empty + 1
        for (const { ackId, message } of receivedMessages ?? []) {
          const one = heldOf(ackId ?? '', message ?? {})
          ackIds.push(one.ackId)
          if (held.has(one.messageId)) empty = 2
          held.set(one.messageId, one)
          bytes += one.data.length
        }
      }
      return await see([...held.values()])
    } finally {
      if (ackIds.length > 0) await within(timeoutMs, 'putting dead letters back', api.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 }))
    }
  }
}

/** What the generated client gives of `google.pubsub.v1.PubsubMessage`. */
interface PulledMessage {
  readonly messageId?: string | null
  readonly data?: Uint8Array | string | null
  readonly attributes?: Readonly<Record<string, string>> | null
  readonly publishTime?: { readonly seconds?: unknown, readonly nanos?: number | null } | null
}

function heldOf(ackId: string, { messageId, data, attributes, publishTime }: PulledMessage): Held {
  const seconds = Number(publishTime?.seconds ?? 0)
  return { ackId, messageId: messageId ?? '', at: seconds * 1000 + Math.floor((publishTime?.nanos ?? 0) / 1e6), data: Buffer.from(data ?? ''), attributes: attributes ?? {} }
}

function letterOf(spec: SubscriptionSpec, { messageId, at, data, attributes }: Held): DeadLetter {
  const read = readEvent(data, attributes)
  const event = 'event' in read ? read.event : describeUnreadable(data, attributes, messageId)
  const error = attributes[LETTER_ERROR] ?? 'given up by Pub/Sub: the consumer answered to no delivery, or could not say why'
  return { id: `dl_${spec.id}.${messageId}`, topic: spec.topic, subscription: spec.name, event, error, at }
}
