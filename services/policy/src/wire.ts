/** The policy service's composition root in the Google Cloud edition. */
import { resolve } from 'node:path'
import { cloudStorageBlobs } from '@lockkeeper/adapter-google-cloud/cloud-storage'
import { createOutboxRelay, openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { openKmsSigner } from '@lockkeeper/adapter-google-cloud/kms'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { openFileBlobs, openKeyFile } from '@lockkeeper/adapter-sqlite'
import { createServiceVerifier } from '@lockkeeper/auth'
import { createCatalog } from '@lockkeeper/catalog'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { HEARTBEAT_ID } from '@lockkeeper/domain/collections'
import type { Signer } from '@lockkeeper/domain/ports'
import { maskProblems } from '@lockkeeper/masking'
import { policies, type VerifyKey } from '@lockkeeper/policy-engine'
import { startWhenAvailable, type Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import { callerOf, createServiceServer, onlyFor, type LoadedSettings, type RunningService, type TrustedKeySetting } from '@lockkeeper/service-kit/server'
import type { PolicyCloudSettings } from './cloud-settings.ts'
import { collections, createClassify, createPolicyService } from './service.ts'

export interface WireOptions {
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
  readonly clock?: Clock
  /** Called when the service cannot start, ever: this process must end. */
  readonly fail: (error: Error) => void
}

const SERVICE = 'policy'
/** The routes' own limit for a whole set. */
const SET_BYTES = 16 * 1024 * 1024

export async function openPolicy({ settings, directory, port }: LoadedSettings<PolicyCloudSettings>, { log, telemetry, clock = systemClock, fail }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode, project, emulators } = settings
  const onProblem = (problem: string, cause: unknown): void => log.warn({ err: cause }, problem)
  const store = await openFirestore({ projectId: project, databaseId: settings.database, collections, clock, onProblem, ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const events = openPubSub({ projectId: project, service: SERVICE, log, ...emulators === undefined ? {} : { emulator: emulators.pubsub } })
  const relay = createOutboxRelay({ outbox: store.outbox, bus: events, onProblem })
  const blobs = 'bucket' in settings.blobs ? cloudStorageBlobs(settings.blobs) : await openFileBlobs(resolve(directory, settings.blobs.directory))
  const catalog = createCatalog()
  const [signer, trustedKeys] = await Promise.all([openSigner(settings.signer, directory), Promise.all(settings.trustedKeys.map((key) => verifyKey(key, directory))), catalog.load()])
  const service = createPolicyService({
    documents: store.documents, blobs, signer, clock, log, telemetry, methods: [...catalog.methods()], maskProblems, classify: createClassify(catalog), trustedKeys, pushedBy: callerOf,
  }, { mode, ...settings.policies === undefined ? { pushed: true } : { folder: resolve(directory, settings.policies) } })
  const toOperators = createServiceVerifier({ ...settings.operators, clock, mode })
  const server = createServiceServer({
    routes: [{ paths: ['/v1/policy', '/v1/policies'], guard: onlyFor((authorization) => toOperators.verify(authorization)), router: service.routes }],
    readiness: async () => {
      if (!starting.started) return ['start']
      await store.documents.read([{ collection: policies, id: HEARTBEAT_ID }])
      return []
    },
    log, limits: { bodyBytes: SET_BYTES },
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

function openSigner(setting: PolicyCloudSettings['signer'], directory: string): Promise<Signer> {
  return 'kms' in setting ? openKmsSigner({ keyVersion: setting.kms }) : openKeyFile(resolve(directory, setting.file))
}

async function verifyKey(setting: TrustedKeySetting, directory: string): Promise<VerifyKey> {
  if ('jwk' in setting) return setting
  const signer = await openSigner(setting, directory)
  return { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
}
