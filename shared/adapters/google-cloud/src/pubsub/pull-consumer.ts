/**
 * A subscription that is pulled by one stream. Pub/Sub sends as many messages as `concurrency` says and the SDK extends their leases;
 * a handler that is over its deadline loses its place here, so extensions end there too. What comes in excess waits here and not in
 * the SDK, whose close would wait for it in vain. A broken stream is opened again with backoff.
 */
import type { Subscription } from '@lockkeeper/domain/ports'
import { Duration, within, type Client, type Message } from './client.ts'
import type { PubSubLog, Received, Settled } from './deliveries.ts'

export interface PullSettings {
  readonly client: Client
  /** Full resource name. */
  readonly subscription: string
  readonly concurrency: number
  readonly ackDeadlineMs: number
  readonly settle: (received: Received) => Promise<Settled>
  readonly log: PubSubLog
}

/** Of the messages that are leased at once. */
const MAX_BYTES = 64 * 1024 * 1024
/** Ms that acknowledgements wait to share a request: each holds its place so long. */
const ACK_BATCH_MS = 5
const REOPEN_MS = { first: 500, most: 30_000 }
/** The least that Pub/Sub knows. The SDK renews it while a handler runs; what a killed process had taken comes again when it is over. */
const LEASE = Duration.from({ seconds: 10 })
/** For the last acknowledgements, once no handler runs any more. */
const FLUSH_MS = 2_000

export class PullConsumer implements Subscription {
  readonly #settings: PullSettings
  readonly #running = new Set<Promise<void>>()
  /** At most what one answer of the stream holds: the SDK stops reading while `concurrency` messages are leased. */
  readonly #excess: Message[] = []
  #stream: ReturnType<Client['subscription']> | undefined
  #reopening: NodeJS.Timeout | undefined
  #failures = 0
  #closed: Promise<void> | undefined

  constructor(settings: PullSettings) {
    this.#settings = settings
    this.#open()
  }

  /** Takes nothing more and waits for running handlers, each at most until its acknowledgement deadline. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #open(): void {
    const { client, subscription, concurrency, ackDeadlineMs } = this.#settings
    const stream = client.subscription(subscription, {
      flowControl: { maxMessages: concurrency, maxBytes: MAX_BYTES, allowExcessMessages: true },
      // Each stream would be sent `concurrency` messages of its own.
      streamingOptions: { maxStreams: 1, retryMaxBackoff: Duration.from({ milliseconds: REOPEN_MS.most }) },
      minAckDeadline: LEASE, maxAckDeadline: LEASE,
      maxExtensionTime: Duration.from({ milliseconds: ackDeadlineMs + FLUSH_MS }),
      batching: { maxMilliseconds: ACK_BATCH_MS },
      closeOptions: { behavior: 'WAIT', timeout: Duration.from({ milliseconds: ackDeadlineMs + FLUSH_MS }) },
    })
    this.#stream = stream
    stream.on('message', (message: Message) => this.#take(message))
    stream.on('error', (error: unknown) => this.#failed(stream, error))
  }

  #take(message: Message): void {
    this.#failures = 0
    if (this.#closed !== undefined) return message.nack()
    if (this.#running.size >= this.#settings.concurrency) this.#excess.push(message)
    else this.#run(message)
  }

  #run(message: Message): void {
    const { id, data, attributes, deliveryAttempt } = message
    const work = this.#settings.settle({ messageId: id, data, attributes, attempt: Math.max(1, deliveryAttempt) })
      .then((settled) => settled === 'done' ? message.ack() : message.nack())
      .finally(() => {
        this.#running.delete(work)
        const next = this.#excess.shift()
        if (next !== undefined) this.#run(next)
      })
    this.#running.add(work)
  }

  #failed(stream: ReturnType<Client['subscription']>, error: unknown): void {
    if (this.#stream !== stream || this.#closed !== undefined) return
    this.#stream = undefined
    const { log, subscription } = this.#settings
    const wait = Math.min(REOPEN_MS.most, REOPEN_MS.first * 2 ** Math.min(this.#failures, 10))
    this.#failures += 1
    log.error({ err: error, subscription, againInMs: wait }, 'the stream of a subscription broke and is opened again')
    this.#reopening = setTimeout(() => this.#open(), wait)
    stream.close().catch((cause: unknown) => log.warn({ err: cause, subscription }, 'a broken stream did not close'))
  }

  async #close(): Promise<void> {
    clearTimeout(this.#reopening)
    for (const message of this.#excess.splice(0)) message.nack()
    const { log, subscription } = this.#settings
    const closed = this.#stream?.close() ?? Promise.resolve()
    await Promise.all(this.#running)
    try {
      await within(FLUSH_MS, 'the last acknowledgements', closed)
    } catch (error) {
      log.warn({ err: error, subscription }, 'not every acknowledgement arrived; these events come again')
    }
  }
}
