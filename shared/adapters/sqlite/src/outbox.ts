/**
 * Facts on their way into the queue. A fact whose subscription has a free place in this process is leased to it in the
 * very commit that publishes it and handed over from memory: no second commit, no read.
 */
import { EVENT_TOPICS, type CloudEvent } from '@lockkeeper/domain/events'
import type { Consumer } from './consumer.ts'
import type { FactRow } from './protocol.ts'

const MAX_EVENT_BYTES = 8 * 1024 * 1024

export interface PlannedFact {
  readonly row: FactRow
  /** Consumers of `row.leases`, in that order; emptied once their places have been used or given back. */
  readonly reserved: Consumer[]
}

export class Outbox {
  readonly #consumers = new Map<string, Set<Consumer>>()

  add(consumer: Consumer): void {
    const others = this.#consumers.get(consumer.topic) ?? new Set()
    this.#consumers.set(consumer.topic, others.add(consumer))
  }

  remove(consumer: Consumer): void {
    this.#consumers.get(consumer.topic)?.delete(consumer)
  }

  all(): Consumer[] {
    return [...this.#consumers.values()].flatMap(consumers => [...consumers])
  }

  /** The topic and the text of a transaction's fact; TypeError for what is no event of the house. */
  check(event: CloudEvent): { readonly topic: string, readonly json: string } {
    const topic = Object.hasOwn(EVENT_TOPICS, event.type) ? EVENT_TOPICS[event.type as keyof typeof EVENT_TOPICS] : undefined
    if (topic === undefined) throw new TypeError(`the event type ${event.type} has no topic`)
    return { topic, json: eventText(event) }
  }

  plan(topic: string, json: string): PlannedFact {
    const leases: [number, number][] = []
    const reserved: Consumer[] = []
    for (const consumer of this.#consumers.get(topic) ?? []) {
      const subscription = consumer.subscription
      if (subscription === undefined || leases.some(([taken]) => taken === subscription) || !consumer.reserve()) continue
      leases.push([subscription, consumer.leaseEnd()])
      reserved.push(consumer)
    }
    return { row: { topic, json, leases }, reserved }
  }

  committed(facts: readonly PlannedFact[], leased: readonly (readonly number[])[]): void {
    for (const [index, { row, reserved }] of facts.entries()) {
      const served = reserved.splice(0)
      for (const [place, consumer] of served.entries()) consumer.accept({ seq: leased[index]![place]!, attempt: 1, json: row.json })
      for (const consumer of this.#consumers.get(row.topic) ?? []) {
        if (!served.includes(consumer)) consumer.wake()
      }
    }
  }

  /** The commit did not happen, or nobody knows: the places are free again. */
  abandon(facts: readonly PlannedFact[]): void {
    for (const { reserved } of facts) {
      for (const consumer of reserved.splice(0)) consumer.giveBack()
    }
  }

  /** More is due for a subscription. */
  wake(topic: string, name: string): void {
    for (const consumer of this.#consumers.get(topic) ?? []) {
      if (consumer.name === name) consumer.wake()
    }
  }
}

/** TypeError for what is no CloudEvent or is over 8 MiB. */
export function eventText(event: CloudEvent): string {
  const named = [event.id, event.source, event.type].every(part => typeof part === 'string' && part !== '')
  if (event.specversion !== '1.0' || !named) throw new TypeError('an event needs specversion 1.0, id, source and type')
  const json = JSON.stringify(event)
  if (Buffer.byteLength(json) > MAX_EVENT_BYTES) throw new TypeError(`event ${event.id} is over ${MAX_EVENT_BYTES} bytes`)
  return json
}
