/** What comes from the bus: record batches, the marks that `settle` sends, and the facts of the other services. */
import { randomUUID } from 'node:crypto'
import { TOPICS, type CloudEvent } from '@lockkeeper/domain/events'
import type { Clock } from '@lockkeeper/domain'
import { PortUnavailable, type EventBus, type Subscription } from '@lockkeeper/domain/ports'
import { readBatchData } from '@lockkeeper/transparency-log'
import type { FactRecorder } from './fact-recorder.ts'
import type { LogFold } from './fold.ts'
import type { AuditSettings } from './settings.ts'

/** An event on the records topic that says nothing: whatever was published before it has been handed over once it comes back. */
const MARK = 'audit.mark'
const FACT_TOPICS = [TOPICS.approvals, TOPICS.locks, TOPICS.policies] as const

export interface IntakeParts {
  readonly events: EventBus
  readonly clock: Clock
  readonly fold: LogFold
  readonly facts: FactRecorder
  readonly settings: AuditSettings
}

export class Intake {
  readonly #parts: IntakeParts
  readonly #subscriptions: Subscription[] = []
  /** Handlers that run. */
  readonly #active = new Set<Promise<void>>()
  readonly #marks = new Map<string, () => void>()

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  start(): void {
    const { events, settings: { concurrency, maxDeliveries } } = this.#parts
    this.#subscriptions.push(events.subscribe({ topic: TOPICS.records, name: 'audit', concurrency, maxDeliveries }, ({ event }) => this.#track(this.#records(event))))
    for (const topic of FACT_TOPICS) {
      this.#subscriptions.push(events.subscribe({ topic, name: 'audit', maxDeliveries }, ({ event }) => this.#track(this.#parts.facts.record(event))))
    }
  }

  /** Takes nothing more and waits for what is being handled. */
  async stop(): Promise<void> {
    const slow = this.#parts.fold.hurry()
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.close()))
    await Promise.allSettled(this.#active)
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
      await Promise.race([Promise.allSettled(this.#active), deadline.promise])
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

  #track(work: Promise<void>): Promise<void> {
    this.#active.add(work)
    const end = (): void => { this.#active.delete(work) }
    work.then(end, end)
    return work
  }

  async #records(event: CloudEvent): Promise<void> {
    if (event.type === MARK) {
      this.#marks.get(event.id)?.()
      return
    }
    const read = event.type === 'record.batch' ? readBatchData(event.data) : undefined
    if (read === undefined) throw new TypeError(`event ${event.id} of ${event.source} is no record batch`)
    await this.#parts.fold.accept(read.batch, read.sealed)
  }
}
