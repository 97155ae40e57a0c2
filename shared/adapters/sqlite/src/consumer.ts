/** One live subscription: takes deliveries from publishes and from the queue, runs the handler, acknowledges or retries. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '@lockkeeper/domain'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Delivery, Subscription } from '@lockkeeper/domain/ports'
import type { StoreClient } from './store-client.ts'

const ERROR_CHARACTERS = 500
/** Waits between attempts to reach a store that does not answer. */
const STORE_RETRY_MS = 500
const LONGEST_TIMER_MS = 60_000

export interface RetrySettings {
  /** Ms before the second delivery of an event that was rejected. */
  readonly baseMs: number
  /** Ms between deliveries at most. */
  readonly maxMs: number
  /** 0 to 1: spreads the retries of many events. */
  readonly random: () => number
}

export interface ConsumerSettings {
  readonly topic: string
  readonly name: string
  readonly maxDeliveries: number
  readonly concurrency: number
  readonly ackDeadlineMs: number
  readonly retry: RetrySettings
  readonly client: StoreClient
  /** The queue's time: no step of the wall clock delays a delivery. */
  readonly clock: Clock
  /** Something of this subscription is in the queue again, for others of its name. */
  readonly onReturned: () => void
  readonly onClosed: () => void
}

export interface Received { readonly seq: number, readonly attempt: number, readonly json: string }

type Place = Pick<Received, 'seq' | 'attempt'>

/** Exponential with the upper half at random: between half of and all of base × 2^(attempt − 1). */
export function backoffMs({ baseMs, maxMs, random }: RetrySettings, attempt: number): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.ceil(full / 2 + random() * full / 2)
}

export class Consumer implements Subscription {
  readonly topic: string
  readonly name: string
  readonly #settings: ConsumerSettings
  readonly #handler: (delivery: Delivery) => Promise<void>
  #subscription: number | undefined
  /** Places in use: handlers that run, leases under way, rows asked for. */
  #taken = 0
  #running = 0
  #due = true
  #pulling = false
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #idle: (() => void) | undefined

  constructor(settings: ConsumerSettings, handler: (delivery: Delivery) => Promise<void>) {
    this.topic = settings.topic
    this.name = settings.name
    this.#settings = settings
    this.#handler = handler
    this.#register()
  }

  /** The store's number of this subscription; undefined until it is registered. */
  get subscription(): number | undefined {
    return this.#subscription
  }

  reserve(): boolean {
    if (this.#closed || this.#taken >= this.#settings.concurrency) return false
    this.#taken += 1
    return true
  }

  giveBack(): void {
    this.#taken -= 1
    this.#pull()
  }

  leaseEnd(): number {
    return Math.ceil(this.#settings.clock.now() + this.#settings.ackDeadlineMs)
  }

  /** A delivery that this consumer has a place for. */
  accept(received: Received): void {
    if (this.#closed) {
      this.#taken -= 1
      this.#retry(received, this.#settings.clock.now(), true)
      return
    }
    this.#wakeAt(this.leaseEnd())
    this.#run(received)
  }

  wake(): void {
    this.#due = true
    this.#pull()
  }

  /** Takes nothing more and waits for running handlers, each at most until its acknowledgement deadline. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    if (this.#running > 0) await new Promise<void>(resolve => { this.#idle = resolve })
    this.#settings.onClosed()
  }

  #register(): void {
    const { client, topic, name, maxDeliveries } = this.#settings
    client.send<'register'>({ kind: 'register', topic, name, maxDeliveries }, { internal: true }, id => {
      this.#subscription = id
      this.#pull()
    }, () => this.#again(() => this.#register()))
  }

  #pull(): void {
    const { client, clock, concurrency } = this.#settings
    const places = concurrency - this.#taken
    if (this.#closed || this.#pulling || !this.#due || places <= 0 || this.#subscription === undefined) return
    this.#due = false
    this.#pulling = true
    this.#taken += places
    client.send<'pull'>({ kind: 'pull', subscription: this.#subscription, limit: places, now: clock.now(), leaseUntil: this.leaseEnd() }, { internal: true }, reply => {
      this.#pulling = false
      this.#taken -= places - reply.rows.length
      if (reply.more) this.#due = true
      if (reply.nextDue !== undefined) this.#wakeAt(reply.nextDue)
      for (const row of reply.rows) this.accept(row)
      this.#pull()
    }, () => {
      this.#pulling = false
      this.#taken -= places
      this.#again(() => this.wake())
    })
  }

  /** Of what was received only the place is kept while the handler runs. */
  #run(received: Received): void {
    const place = { seq: received.seq, attempt: received.attempt }
    this.#running += 1
    let holdsPlace = true
    const leave = (): void => {
      if (!holdsPlace) return
      holdsPlace = false
      clearTimeout(deadline)
      this.#running -= 1
      this.#taken -= 1
      if (this.#running === 0) this.#idle?.()
      this.#pull()
    }
    // A handler that never ends loses its place; the event itself comes again.
    const deadline = setTimeout(leave, this.#settings.ackDeadlineMs)
    this.#handle(received).then(() => this.#acknowledge(place), (error: unknown) => this.#rejected(place, error)).then(leave, leave)
  }

  /** In a turn of its own: whoever published the event goes on first, and many events do not become one long turn. */
  async #handle({ json, attempt }: Received): Promise<void> {
    await nextTurn()
    return this.#handler({ event: JSON.parse(json) as CloudEvent, attempt })
  }

  // An acknowledgement, retry or burial that is lost leaves the lease to end: the event comes again, as the contract allows.

  #acknowledge({ seq }: Place): void {
    this.#settings.client.send<'ack'>({ kind: 'ack', seq }, { internal: true, lazy: true }, ignored, ignored)
  }

  #rejected(received: Place, error: unknown): void {
    const { clock, client, maxDeliveries, retry } = this.#settings
    if (received.attempt < maxDeliveries) return this.#retry(received, clock.now() + backoffMs(retry, received.attempt), false)
    const text = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, ERROR_CHARACTERS).toWellFormed()
    client.send<'bury'>({ kind: 'bury', seq: received.seq, attempt: received.attempt, error: text, now: clock.now() }, { internal: true, lazy: true }, ignored, ignored)
  }

  #retry({ seq, attempt }: Place, dueAt: number, undo: boolean): void {
    const due = Math.ceil(dueAt)
    this.#settings.client.send<'retry'>({ kind: 'retry', seq, attempt, dueAt: due, undo }, { internal: true, lazy: true }, () => this.#closed ? this.#settings.onReturned() : this.#wakeAt(due), ignored)
  }

  /** One timer, for the earliest moment at which something may be due. */
  #wakeAt(at: number): void {
    if (this.#closed || at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(1, at - this.#settings.clock.now()))
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.wake()
    }, wait).unref()
  }

  #again(act: () => void): void {
    if (this.#closed) return
    this.#timerAt = Infinity
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, STORE_RETRY_MS).unref()
  }
}

function ignored(): void {
  // Said above: the end of the lease repairs it.
}
