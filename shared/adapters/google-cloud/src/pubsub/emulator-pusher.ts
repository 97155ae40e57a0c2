/**
 * Pushes in the emulator's stead, which sends no token: pulls each push subscription and posts what Pub/Sub would post, with a token that
 * the caller signs. For tests and compose; there is no way to point it at the real service.
 */
import { TOPOLOGY, type SubscriptionSpec, type Topology } from '@lockkeeper/domain/topology'
import { openClient } from './client.ts'
import type { PubSubLog, Received, Settled } from './deliveries.ts'
import { PullConsumer } from './pull-consumer.ts'
import { Resources } from './resources.ts'

export interface EmulatorPusherOptions {
  readonly projectId: string
  /** `host:port`. */
  readonly emulator: string
  /** Default `TOPOLOGY`. */
  readonly topology?: Topology
  /** Default the topology's. */
  readonly prefix?: string
  /** Where a subscription's service listens for it; undefined: this subscription is left alone. */
  readonly endpoint: (subscription: SubscriptionSpec) => string | undefined
  /** A token for that endpoint, as the pusher's account would be given one. */
  readonly token: (subscription: SubscriptionSpec) => Promise<string>
  readonly log: PubSubLog
  /** Posts under way for one subscription, default 16. */
  readonly concurrency?: number
}

export function startEmulatorPusher({ projectId, emulator, topology = TOPOLOGY, prefix, endpoint, token, log, concurrency = 16 }: EmulatorPusherOptions): { close(): Promise<void> } {
  const resources = new Resources(projectId, topology, prefix)
  const client = openClient({ projectId, emulator })
  const consumers = topology.subscriptions.flatMap((spec) => {
    const url = spec.mode === 'push' ? endpoint(spec) : undefined
    if (url === undefined) return []
    const ackDeadlineMs = spec.ackDeadlineSeconds * 1000
    const subscription = resources.subscription(spec.id)
    const settle = (received: Received): Promise<Settled> => post(url, subscription, received, () => token(spec), ackDeadlineMs, log)
    return [new PullConsumer({ client, subscription, concurrency, ackDeadlineMs, settle, log })]
  })
  return {
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()))
      await client.close()
    },
  }
}

async function post(url: string, subscription: string, { messageId, data, attributes, attempt }: Received, token: () => Promise<string>, withinMs: number, log: PubSubLog): Promise<Settled> {
  const message = { data: Buffer.from(data).toString('base64'), attributes, messageId, message_id: messageId }
  try {
    const answer = await fetch(url, {
      method: 'POST', redirect: 'error', signal: AbortSignal.timeout(withinMs),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}` },
      body: JSON.stringify({ message, subscription, deliveryAttempt: attempt }),
    })
    await answer.body?.cancel()
    return answer.ok ? 'done' : 'again'
  } catch (error) {
    log.warn({ err: error, subscription }, 'a push did not arrive')
    return 'again'
  }
}
