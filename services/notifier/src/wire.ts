/** The notifier's composition root in the Google Cloud edition. */
import { resolve } from 'node:path'
import { createOutboxRelay, openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { secretKey32, secretManagerSecrets } from '@lockkeeper/adapter-google-cloud/secret-manager'
import { fileSecrets } from '@lockkeeper/adapter-sqlite'
import { createPeopleDirectory, createServiceVerifier } from '@lockkeeper/auth'
import { systemClock, type Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import type { Log } from '@lockkeeper/service-kit'
import { countDeliveries, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import { createPushers, createServiceServer, deadLetterRoutes, onlyFor, personsOf, PUSH_BYTES, type LoadedSettings, type RunningService } from '@lockkeeper/service-kit/server'
import { mailLinkPage, type NotifierCloudSettings } from './cloud-settings.ts'
import { collections, createNotifierService, type MailLinks, type NotifierSettings } from './service.ts'

export interface WireOptions { readonly log: Log, readonly telemetry?: Telemetry | undefined, readonly clock?: Clock }

const SERVICE = 'notifier'

export async function openNotifier({ settings, directory, port }: LoadedSettings<NotifierCloudSettings>, { log, telemetry, clock = systemClock }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode, project, emulators, approvalUrl } = settings
  const pushers = createPushers(settings.pusher, TOPOLOGY.subscriptions.filter(({ service, mode: delivered }) => service === SERVICE && delivered === 'push'), { clock, mode })
  const onProblem = (problem: string, cause: unknown): void => log.warn({ err: cause }, problem)
  const store = await openFirestore({ projectId: project, databaseId: settings.database, collections, clock, onProblem, ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const events = openPubSub({ projectId: project, service: SERVICE, log, ...countDeliveries(telemetry), verifyPusher: (token, spec) => pushers.verify(token, spec), ...emulators === undefined ? {} : { emulator: emulators.pubsub } })
  // Clicks are facts of this service.
  const relay = createOutboxRelay({ outbox: store.outbox, bus: events, onProblem })
  const secrets = 'secretManager' in settings.secrets ? secretManagerSecrets({ secrets: settings.secrets.secretManager }, { clock, log }) : fileSecrets(resolve(directory, settings.secrets.directory))
  const people = createPeopleDirectory(personsOf(resolve(directory, settings.people)))
  const mailLinks = await mailLinksOf(settings, secrets)
  const service = createNotifierService({ documents: store.documents, events, secrets, clock, people, log, telemetry, mailLinks }, { mode, ...notifierSettings(settings.notify), ...approvalUrl === undefined ? {} : { approvalUrl } })
  const toOperators = createServiceVerifier({ ...settings.operators, clock, mode })
  const guard = onlyFor((authorization) => toOperators.verify(authorization))
  let started = false
  const server = createServiceServer({
    routes: [
      { paths: ['/v1/deliveries'], guard, router: service.routes },
      { paths: ['/v1/events'], guard, router: deadLetterRoutes(events) },
      // Whoever posts here proves nothing to us: the approval service checks Slack's signature (invariant 7).
      { paths: ['/slack'], guard: (_request, _response, next) => next(), router: service.callbacks },
      pushers.mount((id, request) => events.receivePush(id, request)),
    ],
    readiness: () => started ? [] : ['start'],
    log, limits: { bodyBytes: PUSH_BYTES },
  })
  const address = await server.start(port)
  await service.start()
  started = true
  return {
    port: address.port,
    async drain() {
      await Promise.all([server.drain(), service.drain()])
      await relay.close()
      await events.close()
      await store.close()
    },
  }
}

function notifierSettings({ channels, noticeMinutes, slack }: NotifierCloudSettings['notify']): Pick<NotifierSettings, 'channels' | 'noticeMinutes' | 'slackDecides'> {
  return { channels, noticeMinutes, ...slack === undefined ? {} : { slackDecides: slack.decides } }
}

async function mailLinksOf({ mailLinkKey, approvalUrl }: NotifierCloudSettings, secrets: SecretSource): Promise<MailLinks | undefined> {
  const page = mailLinkPage(approvalUrl)
  // The settings' own check has refused a key without a page.
  return mailLinkKey === undefined || page === undefined ? undefined : { page, key: await secretKey32(secrets, mailLinkKey) }
}
