/**
 * The notifier: tells approvers what waits and how it was settled, over Slack, Google Chat, e-mail and webhooks, driven by facts alone.
 * It holds no key that can make a decision (invariant 7): what it carries back is proof that the approval service checks.
 * Imports no adapter; everything the package exports stands here.
 */
import { TOPICS, traceOf } from '@lockkeeper/domain/events'
import type { Collection, Delivery, Subscription, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { traced } from '@lockkeeper/service-kit/telemetry'
import type { Router } from 'express'
import { createChannelWorker, type ChannelStatus } from './channel-worker.ts'
import { observeChannels } from './channel-totals.ts'
import { deliveries, handledEvents, seenClicks, subjects } from './collections.ts'
import { createChannels } from './create-channels.ts'
import { receiveFact } from './intake.ts'
import type { NotifierPorts, NotifierSettings } from './ports.ts'
import { deliveryRoutes } from './routes.ts'
import { notifyProblems } from './settings.ts'
import { slackCallback } from './slack-callback.ts'

export interface NotifierService {
  /** For operators, on the admin listener only. */
  readonly routes: Router
  /** For providers: Slack's callbacks. On a listener of its own. */
  readonly callbacks: Router
  /** What `start` subscribes to; an edition whose bus pushes over HTTP calls `handle` itself. It rejects only for what a redelivery can mend. */
  readonly subscriptions: readonly { readonly options: SubscriptionOptions, readonly handle: (delivery: Delivery) => Promise<void> }[]
  /** Subscribes and keeps delivering. */
  start(): Promise<void>
  /** One bounded pass over what is due, each channel; `start` does it all the time. The number of attempts. */
  deliver(): Promise<number>
  status(): readonly ChannelStatus[]
  /** Takes no more facts and waits up to 5 s for messages under way; what is left is tried again by whoever starts next. */
  drain(): Promise<void>
}

/** Collections that the store must be opened with. */
export const collections: readonly Collection[] = [subjects, deliveries, handledEvents, seenClicks]

const DEFAULT_NOTICE_MINUTES = 10

/** TypeError that names every wrong setting at once. */
export function createNotifierService(ports: NotifierPorts, settings: NotifierSettings): NotifierService {
  const problems = notifyProblems(settings, settings.mode)
  if (problems.length > 0) throw new TypeError(`notifier settings: ${problems.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`)
  const { documents, events, clock, log, random = Math.random } = ports
  const channels = createChannels(ports, settings)
  const workers = new Map(channels.map((channel) => [channel.name, createChannelWorker(channel, { documents, clock, log, random })]))
  const intake = { documents, channels, log, noticeMs: (settings.noticeMinutes ?? DEFAULT_NOTICE_MINUTES) * 60_000, planned: (names: readonly string[]) => names.forEach((name) => workers.get(name)?.wake()) }
  const handle = ({ event }: Delivery): Promise<void> => traced(ports.telemetry, 'lockkeeper.notifier.intake', { kind: 'consumer', parent: traceOf(event), facts: { 'lockkeeper.event': event.type, 'messaging.message.id': event.id } }, () => receiveFact(intake, event))
  const subscriptions: NotifierService['subscriptions'] = [
    { options: { topic: TOPICS.approvals, name: 'notifier-approvals' }, handle },
    { options: { topic: TOPICS.locks, name: 'notifier-locks' }, handle },
    { options: { topic: TOPICS.notices, name: 'notifier-notices' }, handle },
  ]
  const status = (): readonly ChannelStatus[] => [...workers.values()].map((worker) => worker.status())
  observeChannels(ports.telemetry, status)
  let open: readonly Subscription[] | undefined

  return {
    routes: deliveryRoutes(documents, status, log),
    callbacks: slackCallback({ documents, clock, log, slackChannels: new Set(channels.filter(({ kind }) => kind === 'slack').map(({ name }) => name)) }),
    subscriptions, status,
    async start() {
      if (open !== undefined) throw new TypeError('the notifier runs already')
      open = subscriptions.map((each) => events.subscribe(each.options, each.handle))
      for (const worker of workers.values()) worker.start()
    },
    async deliver() {
      const attempts = await Promise.all([...workers.values()].map((worker) => worker.pass()))
      return attempts.reduce((sum, each) => sum + each, 0)
    },
    async drain() {
      await Promise.all((open ?? []).map((subscription) => subscription.close()))
      if (open !== undefined) await Promise.all([...workers.values()].map((worker) => worker.stop()))
      open = undefined
    },
  }
}

export { openCallbackServer, type CallbackServer, type CallbackServerOptions } from './callback-server.ts'
export type { ChannelStatus } from './channel-worker.ts'
export { checkChannels, type ChannelCheck } from './create-channels.ts'
export type { People } from './people.ts'
export type { MailLinks, NotifierPorts, NotifierSettings } from './ports.ts'
export type { DeliveryPage, DeliveryView } from './routes.ts'
export { notifyProblems, notifySchema, type NotifyProblem, type NotifySettings, type NotifySettingsInput } from './settings.ts'
