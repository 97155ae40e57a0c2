/** What comes from the bus: record batches, the marks that `settle` sends, and the facts of the other services. */
import { randomUUID } from 'node:crypto'
import { TOPICS, type CloudEvent } from '@lockkeeper/domain/events'
import type { Clock } from '@lockkeeper/domain'
import { PortUnavailable, type Delivery, type EventBus, type Subscription } from '@lockkeeper/domain/ports'
import { readBatchData } from '@lockkeeper/transparency-log'
import type { FactRecorder } from './fact-recorder.ts'
import type { LogFold } from './fold.ts'
import { BatchMissing } from './gaps.ts'
import { noticedLines, type Notices } from './notices.ts'
import { Pulse } from './pulse.ts'
import type { AuditSettings } from './settings.ts'

/** An event on the records topic that says nothing: whatever was published before it has been handed over once it comes back. */
const MARK = 'audit.mark'
/** Events remembered as owed after an outage; the bus itself forgets none. */
const MOST_OWED = 10_000
const FACT_TOPICS = [TOPICS.approvals, TOPICS.locks, TOPICS.policies] as const

export interface IntakeParts {
  readonly events: EventBus
  readonly clock: Clock
  readonly fold: LogFold
  readonly facts: FactRecorder
  readonly notices: Notices
  readonly settings: AuditSettings
}

export class Intake {
  readonly #parts: IntakeParts
  readonly #subscriptions: Subscription[] = []
  /** Events that are being handled, and those that an outage sent back to the bus. */
  readonly #active = new Map<string, Promise<void>>()
  readonly #owed = new Set<string>()
  readonly #ended = new Pulse()
  readonly #marks = new Map<string, () => void>()

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  start(): void {
    const { events, settings: { concurrency, maxDeliveries } } = this.#parts
    this.#subscriptions.push(events.subscribe({ topic: TOPICS.records, name: 'audit', concurrency, maxDeliveries }, (delivery) => this.#track(delivery, (onLate) => this.#records(delivery.event, onLate))))
    for (const topic of FACT_TOPICS) {
      this.#subscriptions.push(events.subscribe({ topic, name: 'audit', maxDeliveries }, (delivery) => this.#track(delivery, () => this.#parts.facts.record(delivery.event))))
    }
  }

  /** Takes nothing more and waits for what is being handled. */
  async stop(): Promise<void> {
    const slow = this.#parts.fold.hurry()
    this.#parts.fold.stopHolding()
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.close()))
    await Promise.allSettled(this.#active.values())
    slow()
  }

  /** Resolves when everything that was published before the call is folded, at once when nothing is taken. PortUnavailable after `timeoutMs`. */
  async settle(timeoutMs: number): Promise<void> {
    if (this.#subscriptions.length === 0) return
    const slow = this.#parts.fold.hurry()
    const deadline = Promise.withResolvers<never>()
    const timer = setTimeout(() => deadline.reject(new PortUnavailable('the audit service has not caught up in time')), timeoutMs)
    try {
      await Promise.race([this.#marked(), deadline.promise])
      const open = [...this.#active.keys(), ...this.#owed]
      while (open.some((key) => this.#active.has(key) || this.#owed.has(key))) await Promise.race([this.#ended.next(), deadline.promise])
    } finally {
      clearTimeout(timer)
      slow()
    }
  }

  async #marked(): Promise<void> {
    const { events, clock } = this.#parts
    const id = randomUUID()
    const arrived = Promise.withResolvers<void>()
    this.#marks.set(id, arrived.resolve)
    const mark: CloudEvent = { specversion: '1.0', id, source: '/audit', type: MARK, time: new Date(clock.now()).toISOString(), datacontenttype: 'application/json', data: {} }
    try {
      await events.publish(TOPICS.records, [mark])
      await arrived.promise
    } finally {
      this.#marks.delete(id)
    }
  }

  /** What waits for a batch that does not come soon is no more waited for. */
  #track({ event, attempt }: Delivery, begin: (onLate: () => void) => Promise<void>): Promise<void> {
    const comesAgain = attempt < this.#parts.settings.maxDeliveries
    const key = `${event.source} ${event.id}`
    const work = begin(() => end(false))
    this.#active.set(key, work)
    const end = (owed: boolean): void => {
      if (this.#active.get(key) === work) this.#active.delete(key)
      if (owed && this.#owed.size < MOST_OWED) this.#owed.add(key)
      else this.#owed.delete(key)
      this.#ended.beat()
    }
    work.then(() => end(false), (error: unknown) => end(comesAgain && error instanceof PortUnavailable && !(error instanceof BatchMissing)))
    return work
  }

  /** Keeps nothing of the event: hundreds of them wait for the next segment. */
  #records(event: CloudEvent, onLate: () => void): Promise<void> {
    if (event.type === MARK) {
      this.#marks.get(event.id)?.()
      return Promise.resolve()
    }
    const read = event.type === 'record.batch' ? readBatchData(event.data) : undefined
    if (read === undefined) return Promise.reject(new TypeError(`event ${event.id} of ${event.source} is no record batch`))
    const noticed = noticedLines(read.batch)
    const folded = this.#parts.fold.accept(read.batch, read.sealed, onLate)
    return noticed.length === 0 ? folded : folded.then(() => this.#parts.notices.tell(noticed))
  }
}
