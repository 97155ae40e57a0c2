/**
 * What happens to one message, pulled or pushed: read, checked, handed over, and settled. A message that cannot be read (poison) is
 * treated as one that its handler rejects: it comes again with backoff, so that a newer version of the consumer may take it, and ends
 * as a dead letter with the reason. The consumer buries it itself on the last attempt, because Pub/Sub's own policy knows no reason;
 * that policy stands behind it for consumers that crash or cannot publish.
 */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Delivery } from '@lockkeeper/domain/ports'
import { REDRIVEN_FOR, type SubscriptionSpec } from '@lockkeeper/domain/topology'
import { readEvent } from './event-message.ts'
import type { Publisher } from './publisher.ts'
import type { Resources } from './resources.ts'

export type Handler = (delivery: Delivery) => Promise<void>

/** Structured, and never of what an event carries: its data may hold an approver's token. */
export interface PubSubLog {
  warn(facts: Readonly<Record<string, unknown>>, message: string): void
  error(facts: Readonly<Record<string, unknown>>, message: string): void
}

export interface Received {
  readonly messageId: string
  readonly data: Uint8Array
  readonly attributes: Readonly<Record<string, string>>
  /** 1 for the first. */
  readonly attempt: number
}

export interface Consumption {
  readonly spec: SubscriptionSpec
  readonly handler: Handler
  readonly maxDeliveries: number
  readonly ackDeadlineMs: number
}

/** `done`: Pub/Sub may forget it. `again`: it comes again after the subscription's backoff. */
export type Settled = 'done' | 'again'

export interface DeliveryParts {
  readonly publisher: Publisher
  readonly resources: Resources
  /** Why the event can stand in no topic of that name, or undefined. */
  readonly checkEvent: (topic: string, event: CloudEvent) => string | undefined
  readonly log: PubSubLog
  /** Told of every delivery: handled, to come again, or given up and now a dead letter. */
  readonly onSettled?: ((subscription: string, outcome: 'done' | 'again' | 'dead') => void) | undefined
}

/** Attributes of a dead letter, beside those that it had. */
export const LETTER_ERROR = 'lockkeeper-error'
const MAX_ERROR_BYTES = 500

class Poison extends Error {
  override readonly name = 'Poison'
}

export class Deliveries {
  readonly #parts: DeliveryParts

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Never rejects. Resolves after the acknowledgement deadline at the latest, plus the time that burying takes. */
  async settle(consumption: Consumption, received: Received): Promise<Settled> {
    const { spec, maxDeliveries } = consumption
    const redrivenFor = received.attributes[REDRIVEN_FOR]
    // Pub/Sub's filter keeps these away; its emulator knows no filters.
    if (redrivenFor !== undefined && redrivenFor !== spec.id) return 'done'
    try {
      await this.#handOver(consumption, received)
      this.#parts.onSettled?.(spec.id, 'done')
      return 'done'
    } catch (error) {
      const last = received.attempt >= maxDeliveries
      this.#parts.onSettled?.(spec.id, last ? 'dead' : 'again')
      this.#say(error, last, { subscription: spec.id, message: received.messageId, event: received.attributes['ce-id'], source: received.attributes['ce-source'], type: received.attributes['ce-type'], attempt: received.attempt })
      return last ? this.#bury(spec, received, error) : 'again'
    }
  }

  /** Hands a dead letter to its own consumer, here and now. Rejects as the handler does; nothing is buried again. */
  async redeliver(consumption: Consumption, received: Received): Promise<void> {
    await this.#handOver(consumption, received)
  }

  async #handOver({ spec, handler, ackDeadlineMs }: Consumption, { data, attributes, attempt }: Received): Promise<void> {
    const read = readEvent(data, attributes)
    if ('problem' in read) throw new Poison(`the message is no event: ${read.problem}`)
    const problem = this.#parts.checkEvent(spec.topic, read.event)
    if (problem !== undefined) throw new Poison(`the event cannot stand here: ${problem}`)
    await inTime(ackDeadlineMs, () => handler({ event: read.event, attempt }))
  }

  async #bury(spec: SubscriptionSpec, { data, attributes, messageId }: Received, error: unknown): Promise<Settled> {
    const { publisher, resources, log } = this.#parts
    try {
      await publisher.publish(resources.topic(spec.deadLetter.topic), [{ data: Buffer.from(data), attributes: { ...attributes, [LETTER_ERROR]: errorText(error) } }])
      return 'done'
    } catch (cause) {
      log.error({ err: cause, subscription: spec.id, message: messageId }, 'a message could not be put among the dead letters; Pub/Sub does so itself, without the reason')
      return 'again'
    }
  }

  #say(error: unknown, last: boolean, facts: Readonly<Record<string, unknown>>): void {
    const { log } = this.#parts
    if (last) log.error({ ...facts, err: error }, 'an event was given up and is now a dead letter')
    else if (error instanceof Poison) log.error({ ...facts, why: error.message }, 'a message can never be handled as it is')
    else log.warn({ ...facts, err: error }, 'an event was not handled and comes again')
  }
}

async function inTime(ms: number, run: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('not acknowledged in time')), ms)
  try {
    await Promise.race([run(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** As much as fits an attribute of Pub/Sub, which is counted in bytes. */
function errorText(error: unknown): string {
  const text = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).toWellFormed()
  return Buffer.from(text).subarray(0, MAX_ERROR_BYTES).toString('utf8').replace(/\ufffd$/, '') || 'unknown'
}
