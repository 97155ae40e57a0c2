/** Tests only: buses on the emulator, over topologies that no other test shares. */
import { randomBytes } from 'node:crypto'
import { subscriptionSpec, type SubscriptionSpec, type Topology } from '@lockkeeper/domain/topology'
import type { RunningEmulator } from '@lockkeeper/testkit/emulators'
import { createTopology, openPubSub, type PubSubBus, type PubSubOptions } from '../index.ts'

export interface LogLine { readonly level: 'warn' | 'error', readonly facts: Readonly<Record<string, unknown>>, readonly message: string }

export interface BusOnEmulator {
  readonly bus: PubSubBus
  readonly log: readonly LogLine[]
  readonly options: PubSubOptions
  /** Another process over the same topics. */
  again(changes?: Partial<PubSubOptions>): BusOnEmulator
}

type Wanted = Pick<SubscriptionSpec, 'topic' | 'name'> & Partial<SubscriptionSpec>

/** Pulled unless it says otherwise, without backoff: with any, the emulator looks for what is due every 2 s only. */
export function testTopology(subscriptions: readonly Wanted[], service = 'tests'): Topology {
  const specs = subscriptions.map((wanted) => ({
    ...subscriptionSpec({ id: `${wanted.topic}-${wanted.name}`, service, mode: wanted.mode ?? 'pull', maxDeliveries: 10, topic: wanted.topic, name: wanted.name }),
    minBackoffSeconds: 0, maxBackoffSeconds: 0, ...wanted,
  }))
  const topics = [...new Set(specs.map(({ topic }) => topic))]
  return {
    prefix: 'test-', retention: { subscriptionDays: 1, deadLetterDays: 1 },
    topics: topics.map((name) => ({ name, events: [] })), subscriptions: specs, databases: [], services: [],
  }
}

export async function openBus({ host, projectId }: RunningEmulator, topology: Topology, changes: Partial<PubSubOptions> = {}): Promise<BusOnEmulator> {
  const prefix = `t${randomBytes(6).toString('hex')}-`
  await createTopology({ projectId, emulator: host, topology, prefix })
  return busOver({ projectId, emulator: host, topology, prefix, checkEvent: () => undefined, log: silent, ...changes })
}

const silent = { warn: () => undefined, error: () => undefined }

function busOver(given: PubSubOptions): BusOnEmulator {
  const lines: LogLine[] = []
  const log = {
    warn: (facts: Readonly<Record<string, unknown>>, message: string) => void lines.push({ level: 'warn', facts, message }),
    error: (facts: Readonly<Record<string, unknown>>, message: string) => void lines.push({ level: 'error', facts, message }),
  }
  const options = { ...given, log }
  return { bus: openPubSub(options), log: lines, options, again: (changes = {}) => busOver({ ...options, ...changes }) }
}
