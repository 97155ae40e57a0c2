/** Publishing with bounds: on messages and bytes that wait, and on the time until Pub/Sub has acknowledged. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { within, type Client } from './client.ts'
import type { EventMessage } from './event-message.ts'

export interface PublisherSettings {
  /** Ms until the acknowledgement, default 10,000. Then PortUnavailable; the event may still have arrived. */
  readonly publishTimeoutMs: number
  /** Messages that wait for their acknowledgement, default 10,000. */
  readonly maxOutstanding: number
  /** Bytes of them, default 128 MiB. */
  readonly maxOutstandingBytes: number
}

/** Messages of one request: Pub/Sub takes 1,000 and 10 MB. */
const BATCH = { maxMessages: 1000, maxBytes: 4 * 1024 * 1024, maxMilliseconds: 2 }
/** google.rpc.Code: CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. */
const TRANSIENT = [1, 2, 4, 8, 10, 13, 14]

export class Publisher {
  readonly #client: Client
  readonly #settings: PublisherSettings
  readonly #topics = new Map<string, ReturnType<Client['topic']>>()
  #waiting = 0
  #bytes = 0

  constructor(client: Client, settings: PublisherSettings) {
    this.#client = client
    this.#settings = settings
  }

  /** Resolves when Pub/Sub has acknowledged every message. `topic`: full resource name. */
  async publish(topic: string, messages: readonly EventMessage[]): Promise<void> {
    if (messages.length === 0) return
    const { publishTimeoutMs, maxOutstanding, maxOutstandingBytes } = this.#settings
    const sizes = messages.map(sizeOf)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    // One publish alone always passes, or it never could.
    if (this.#waiting > 0 && (this.#waiting + messages.length > maxOutstanding || this.#bytes + total > maxOutstandingBytes)) {
      throw new PortUnavailable(`Pub/Sub: ${this.#waiting} messages wait for their acknowledgement, which is the limit`)
    }
    const sender = this.#topic(topic)
    const sent = messages.map((message, index) => this.#send(sender, message, sizes[index] as number))
    await within(publishTimeoutMs, 'publishing', Promise.all(sent).then(() => undefined))
  }

  async #send(topic: ReturnType<Client['topic']>, { data, attributes }: EventMessage, size: number): Promise<void> {
    this.#waiting += 1
    this.#bytes += size
    try {
      await topic.publishMessage({ data, attributes: { ...attributes } })
    } finally {
      this.#waiting -= 1
      this.#bytes -= size
    }
  }

  #topic(name: string): ReturnType<Client['topic']> {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const { publishTimeoutMs } = this.#settings
    const made = this.#client.topic(name, {
      batching: BATCH,
      gaxOpts: {
        retry: {
          retryCodes: TRANSIENT,
          backoffSettings: {
            initialRetryDelayMillis: 50, retryDelayMultiplier: 2, maxRetryDelayMillis: 1000,
            initialRpcTimeoutMillis: publishTimeoutMs, rpcTimeoutMultiplier: 1, maxRpcTimeoutMillis: publishTimeoutMs, totalTimeoutMillis: publishTimeoutMs,
          },
        },
      },
    })
    this.#topics.set(name, made)
    return made
  }
}

function sizeOf({ data, attributes }: EventMessage): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + value.length, data.length)
}
