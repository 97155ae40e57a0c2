/** The approval service's composition root in the Google Cloud edition. */
import { resolve } from 'node:path'
import { cloudStorageBlobs } from '@lockkeeper/adapter-google-cloud/cloud-storage'
import { createOutboxRelay, openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { secretKey32, secretManagerSecrets } from '@lockkeeper/adapter-google-cloud/secret-manager'
import { fileSecrets, openFileBlobs } from '@lockkeeper/adapter-sqlite'
import { createApproverVerifier, createPeopleDirectory, createServiceVerifier, type PeopleDirectory } from '@lockkeeper/auth'
import { createCatalog } from '@lockkeeper/catalog'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { HEARTBEAT_ID, locks } from '@lockkeeper/domain/collections'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { startWhenAvailable, type Log } from '@lockkeeper/service-kit'
import { countDeliveries, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import express from 'express'
import { createPushers, createServiceServer, deadLetterRoutes, onlyFor, personsOf, PUSH_BYTES, type BlobsSetting, type LoadedSettings, type Mount, type RunningService, type SecretsSetting } from '@lockkeeper/service-kit/server'
import { API_PATH, createApiRoutes } from './api-routes.ts'
import type { ApprovalCloudSettings } from './cloud-settings.ts'
import { speaksForPersons } from './named-operator.ts'
import { collections, createApprovalService, type ApprovalService, type SlackTrust } from './service.ts'

export interface WireOptions {
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
  readonly clock?: Clock
  /** Called when the service cannot start, ever: this process must end. */
  readonly fail: (error: Error) => void
}

const SERVICE = 'approval'

export async function openApproval({ settings, directory, port }: LoadedSettings<ApprovalCloudSettings>, { log, telemetry, clock = systemClock, fail }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode, project, emulators } = settings
  const pushers = createPushers(settings.pusher, TOPOLOGY.subscriptions.filter(({ service, mode: delivered }) => service === SERVICE && delivered === 'push'), { clock, mode })
  const onProblem = (problem: string, cause: unknown): void => log.warn({ err: cause }, problem)
  const store = await openFirestore({ projectId: project, databaseId: settings.database, collections, clock, onProblem, ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const events = openPubSub({ projectId: project, service: SERVICE, log, ...countDeliveries(telemetry), verifyPusher: (token, spec) => pushers.verify(token, spec), ...emulators === undefined ? {} : { emulator: emulators.pubsub } })
  const relay = createOutboxRelay({ outbox: store.outbox, bus: events, onProblem })
  const secrets = openSecrets(settings.secrets, directory, clock, log)
  const catalog = createCatalog()
  const [receiptKey, blobs] = await Promise.all([secretKey32(secrets, settings.receiptKey), openBlobs(settings.blobs, directory), catalog.load()])
  const people = createPeopleDirectory(personsOf(resolve(directory, settings.people)))
  const approvers = settings.approverIssuers.length === 0 ? undefined : createApproverVerifier({ issuers: settings.approverIssuers, people, clock, mode })
  const slack = slackTrust(settings, secrets, people)
  const service = createApprovalService({
    documents: store.documents, events, blobs, clock, people, receiptKey, log, telemetry, terminalKeys: [], methods: (id, host) => catalog.method(id, host),
    ...approvers === undefined ? {} : { verifyIdToken: (token: string, nonce: string) => approvers.verifyApproverToken(token, nonce) },
    ...slack === undefined ? {} : { slack },
  }, { mode, pendingPerAgent: settings.pendingPerAgent, groupClaims: settings.groupClaims, fatigue: settings.fatigue, ...settings.bigqueryPricePerTiB === undefined ? {} : { bigqueryPricePerTiB: settings.bigqueryPricePerTiB } })
  const server = createServiceServer({
    routes: [...mountsOf(settings, service, deadLetterRoutes(events), clock), pushers.mount((id, request) => events.receivePush(id, request))],
    readiness: async () => {
      if (!starting.started) return ['start']
      await store.documents.read([{ collection: locks, id: HEARTBEAT_ID }])
      return []
    },
    log, outage: 'APPROVAL_UNAVAILABLE', limits: { bodyBytes: PUSH_BYTES },
  })
  const address = await server.start(port)
  const starting = startWhenAvailable({ start: () => service.start(), fail, log })
  return {
    port: address.port,
    async drain() {
      await Promise.all([server.drain(), starting.stop().then(() => service.drain())])
      await relay.close()
      await events.close()
      await store.close()
    },
  }
}

function mountsOf({ mode, proxies, operators, console: page }: ApprovalCloudSettings, service: ApprovalService, deadLetters: Mount['router'], clock: Clock): readonly Mount[] {
  const toProxies = createServiceVerifier({ ...proxies, clock, mode })
  const accounts = page === undefined ? [] : [page.toLowerCase()]
  const toOperators = createServiceVerifier({ ...operators, clock, mode })
  const toAll = createServiceVerifier({ ...operators, allowed: [...operators.allowed, ...accounts], clock, mode })
  const routes = express.Router({ caseSensitive: true }).use(speaksForPersons(new Set(accounts)), service.routes)
  return [
    { paths: [API_PATH], guard: onlyFor((authorization) => toProxies.verify(authorization)), router: createApiRoutes(service.api) },
    { paths: ['/v1/approvals', '/v1/locks', '/v1/grants', '/v1/reviews', '/v1/load', '/v1/waiting'], guard: onlyFor((authorization) => toAll.verify(authorization)), router: routes },
    { paths: ['/v1/events'], guard: onlyFor((authorization) => toOperators.verify(authorization)), router: deadLetters },
  ]
}

function slackTrust({ slack }: ApprovalCloudSettings, secrets: SecretSource, people: PeopleDirectory): SlackTrust | undefined {
  if (slack === undefined) return undefined
  const { enterprise, signingSecret, ...rest } = slack
  return { ...rest, ...enterprise === undefined ? {} : { enterprise }, signingSecret: async () => (await secrets.access(signingSecret)).value.trim(), bySlack: (member) => people.bySlack(member) }
}

function openBlobs(setting: BlobsSetting, directory: string) {
  return 'bucket' in setting ? cloudStorageBlobs(setting) : openFileBlobs(resolve(directory, setting.directory))
}

function openSecrets(setting: SecretsSetting, directory: string, clock: Clock, log: Log) {
  return 'secretManager' in setting ? secretManagerSecrets({ secrets: setting.secretManager }, { clock, log }) : fileSecrets(resolve(directory, setting.directory))
}
