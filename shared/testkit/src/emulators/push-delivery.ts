/**
 * Pushes in Pub/Sub's stead. The emulator's own pushes carry no token, which no service here accepts; so push
 * subscriptions are made for pulling, and this takes from them and posts what Pub/Sub would post.
 */
import type { SubscriptionSpec } from '@lockkeeper/domain/topology'

export interface PushDelivery { stop(): Promise<void> }

export interface PushDeliveryOptions {
  /** `host:port`. */
  readonly emulator: string
  readonly projectId: string
  readonly prefix: string
  /** Push subscriptions that were made for pulling. */
  readonly subscriptions: readonly SubscriptionSpec[]
  /** Where the endpoint of a subscription is at this moment; undefined: nowhere, it is tried again. */
  readonly endpoint: (subscription: SubscriptionSpec) => string | undefined
  /** As the pusher's account would be given it, with `Bearer`. */
  readonly authorization: (subscription: SubscriptionSpec) => string | Promise<string>
  /** Whether what was taken is posted once more, as after a lost acknowledgement. */
  readonly twice?: () => boolean
}

interface Pulled { readonly ackId: string, readonly message: object, readonly deliveryAttempt?: number }

const BACKOFF_MS = 100

export function startPushDelivery(options: PushDeliveryOptions): PushDelivery {
  const stopping = new AbortController()
  const running = options.subscriptions.map((subscription) => deliver(subscription, options, stopping.signal))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

async function deliver(subscription: SubscriptionSpec, options: PushDeliveryOptions, signal: AbortSignal): Promise<void> {
  const name = `projects/${options.projectId}/subscriptions/${options.prefix}${subscription.id}`
  const ask = async (verb: string, body: object): Promise<{ readonly receivedMessages?: readonly Pulled[] }> => {
    const answer = await fetch(`http://${options.emulator}/v1/${name}:${verb}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, signal })
    return await answer.json() as { readonly receivedMessages?: readonly Pulled[] }
  }
  while (!signal.aborted) {
    try {
      const { receivedMessages = [] } = await ask('pull', { maxMessages: 50 })
      await Promise.all(receivedMessages.map(async (pulled) => {
        const taken = await post(subscription, name, pulled, options, signal)
        if (taken && options.twice?.() === true) await post(subscription, name, pulled, options, signal)
        if (taken) return void await ask('acknowledge', { ackIds: [pulled.ackId] })
        await ask('modifyAckDeadline', { ackIds: [pulled.ackId], ackDeadlineSeconds: 0 })
        await pause(BACKOFF_MS, signal)
      }))
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Error)) throw error
      await pause(BACKOFF_MS, signal)
    }
  }
}

async function post(subscription: SubscriptionSpec, name: string, { message, deliveryAttempt }: Pulled, { endpoint, authorization }: PushDeliveryOptions, signal: AbortSignal): Promise<boolean> {
  const origin = endpoint(subscription)
  if (origin === undefined) return false
  const body = JSON.stringify({ message, subscription: name, ...deliveryAttempt === undefined ? {} : { deliveryAttempt } })
  const answer = await fetch(origin + subscription.pushPath, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: await authorization(subscription) }, signal }).catch(() => undefined)
  await answer?.arrayBuffer()
  return answer?.ok === true
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    resolve()
  }, { once: true })
  return promise
}
