/** For tests of the store: a bus that hands what is published to whoever subscribed before, and can be told to fail. */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Delivery, EventBus } from '@lockkeeper/domain/ports'

export interface MemoryBus extends EventBus {
  readonly published: readonly { readonly topic: string, readonly event: CloudEvent }[]
  /** Every publish rejects with this until it is called with undefined. */
  fail(error: Error | undefined): void
}

export function memoryBus(): MemoryBus {
  const published: { topic: string, event: CloudEvent }[] = []
  const handlers = new Map<string, Set<(delivery: Delivery) => Promise<void>>>()
  let failure: Error | undefined
  return {
    published,
    fail(error) { failure = error },
    async publish(topic, events) {
      if (failure !== undefined) throw failure
      for (const event of events) {
        published.push({ topic, event })
        for (const handler of handlers.get(topic) ?? []) await handler({ event, attempt: 1 })
      }
    },
    subscribe({ topic }, handler) {
      const own = handlers.get(topic) ?? new Set()
      handlers.set(topic, own.add(handler))
      return { close: async () => void own.delete(handler) }
    },
    deadLetters: async () => [],
    redrive: async () => false,
  }
}
