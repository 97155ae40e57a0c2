/** EventBus over the queue in the store file. */
import type { Clock } from '@lockkeeper/domain'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Delivery, EventBus, Subscription, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { Consumer, type RetrySettings } from './consumer.ts'
import { eventText, type Outbox } from './outbox.ts'
import type { StoreClient } from './store-client.ts'

const MAX_NAME = 200
const LETTER_ID = /^dl_([1-9][0-9]{0,15})$/

export interface EventParts {
  readonly client: StoreClient
  /** The queue's time. */
  readonly clock: Clock
  readonly outbox: Outbox
  readonly retry: RetrySettings
}

export class SqliteEvents implements EventBus {
  readonly #parts: EventParts

  constructor(parts: EventParts) {
    this.#parts = parts
  }

  publish(topic: string, events: readonly CloudEvent[]): Promise<void> {
    const { client, clock, outbox } = this.#parts
    return new Promise((resolve, reject) => {
      checkName('topic', topic)
      const texts = events.map(event => eventText(event))
      if (texts.length === 0) return resolve()
      const facts = texts.map(json => outbox.plan(topic, json))
      const size = texts.reduce((sum, json) => sum + json.length, 0)
      client.send<'commit'>({ kind: 'commit', reads: [], writes: [], facts: facts.map(fact => fact.row), now: clock.now() }, { size }, reply => {
        if (reply.ok) outbox.committed(facts, reply.leased)
        resolve()
      }, error => {
        outbox.abandon(facts)
        reject(error)
      })
    })
  }

  subscribe(options: SubscriptionOptions, handler: (delivery: Delivery) => Promise<void>): Subscription {
    const { client, clock, outbox, retry } = this.#parts
    checkName('topic', options.topic)
    checkName('subscription', options.name)
    const consumer: Consumer = new Consumer({
      topic: options.topic,
      name: options.name,
      maxDeliveries: within('maxDeliveries', options.maxDeliveries ?? 10, 5, 100),
      concurrency: within('concurrency', options.concurrency ?? 16, 1, 1000),
      ackDeadlineMs: within('ackDeadlineMs', options.ackDeadlineMs ?? 10_000, 10, 600_000),
      retry, client, clock,
      onReturned: () => outbox.wake(options.topic, options.name),
      onClosed: () => {
        outbox.remove(consumer)
        outbox.wake(options.topic, options.name)
      },
    }, handler)
    outbox.add(consumer)
    return consumer
  }

  async deadLetters(limit: number) {
    within('limit', limit, 1, 1000)
    const rows = await this.#parts.client.request<'deadLetters'>({ kind: 'deadLetters', limit })
    return rows.map(({ seq, topic, subscription, json, error, at }) => ({ id: `dl_${seq}`, topic, subscription, event: JSON.parse(json) as CloudEvent, error, at }))
  }

  async redrive(id: string): Promise<boolean> {
    const seq = LETTER_ID.exec(id)?.[1]
    if (seq === undefined) return false
    const { client, clock, outbox } = this.#parts
    const letter = await client.request<'redrive'>({ kind: 'redrive', seq: Number(seq), now: clock.now() })
    if (letter === null) return false
    outbox.wake(...letter)
    return true
  }

  /** Closes all subscriptions of this process. */
  async close(): Promise<void> {
    await Promise.all(this.#parts.outbox.all().map(consumer => consumer.close()))
  }
}

function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME || !name.isWellFormed()) throw new TypeError(`a ${what} is well-formed text of 1 to ${MAX_NAME} characters`)
}

function within(what: string, given: number, least: number, most: number): number {
  if (!Number.isInteger(given) || given < least || given > most) throw new TypeError(`${what} is ${least} to ${most}, not ${given}`)
  return given
}
