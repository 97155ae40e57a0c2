/** The audit service's composition root in the Google Cloud edition. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { cloudStorageBlobs } from '@lockkeeper/adapter-google-cloud/cloud-storage'
import { openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { openKmsSigner } from '@lockkeeper/adapter-google-cloud/kms'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { openFileBlobs, openKeyFile } from '@lockkeeper/adapter-sqlite'
import { createServiceVerifier } from '@lockkeeper/auth'
import { systemClock, type Clock } from '@lockkeeper/domain'
import type { Signer } from '@lockkeeper/domain/ports'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import type { Log } from '@lockkeeper/service-kit'
import { countDeliveries, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import { createPushers, createServiceServer, deadLetterRoutes, onlyFor, PUSH_BYTES, type LoadedSettings, type Mount, type RunningService, type TrustedKeySetting } from '@lockkeeper/service-kit/server'
import type { TrustedKey } from '@lockkeeper/transparency-log'
import type { AuditCloudSettings } from './cloud-settings.ts'
import { collections, createLease } from './lease.ts'
import { createAuditService, type AuditService } from './service.ts'

export interface WireOptions {
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
  readonly clock?: Clock
  /** Called when the log may have another owner: this process must end. */
  readonly fail: (error: Error) => void
}

const SERVICE = 'audit'
/** Pub/Sub brings what is given back later each time, and 20 deliveries would be used up by one long outage: then the chain of a writer would lie among the dead letters. */
const PATIENCE = { gapHoldMs: 45_000, maxDeliveries: 100 } as const
/** Everything but the export into a directory, which would be one of this process's own machine. */
const PATHS = ['/v1/audit/records', '/v1/audit/sessions', '/v1/audit/tail', '/v1/audit/verify', '/v1/audit/checkpoint'] as const

export async function openAudit({ settings, directory, port }: LoadedSettings<AuditCloudSettings>, { log, telemetry, clock = systemClock, fail }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode, project, emulators } = settings
  const bootId = `${SERVICE}-${randomBytes(6).toString('hex')}`
  const pushers = createPushers(settings.pusher, TOPOLOGY.subscriptions.filter(({ service, mode: delivered }) => service === SERVICE && delivered === 'push'), { clock, mode })
  const onProblem = (problem: string, cause: unknown): void => log.warn({ err: cause }, problem)
  const store = await openFirestore({ projectId: project, databaseId: settings.database, collections, clock, onProblem, ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const events = openPubSub({ projectId: project, service: SERVICE, log, ...countDeliveries(telemetry), verifyPusher: (token, spec) => pushers.verify(token, spec), ...emulators === undefined ? {} : { emulator: emulators.pubsub } })
  const blobs = 'bucket' in settings.blobs ? cloudStorageBlobs(settings.blobs) : await openFileBlobs(resolve(directory, settings.blobs.directory))
  const signer = await openSigner(settings.signer, directory)
  const keys = (given: readonly TrustedKeySetting[]): Promise<readonly TrustedKey[]> => Promise.all(given.map((key) => publicKey(key, directory)))
  const [writers, logKeys] = await Promise.all([keys(settings.writerKeys), keys(settings.logKeys)])
  const audit = await createAuditService({ events, blobs, signer, clock, log, telemetry }, {
    mode, isolation: 'container', bootId, origin: settings.origin, singleProcess: false, removesOldStates: false, ...PATIENCE, trustedKeys: { writers: [...writers], log: [...logKeys] },
  })
  const lease = createLease({ documents: store.documents, clock, log, holder: bootId, onLost: fail })
  let working = false
  const server = createServiceServer({
    routes: [...mountsOf(settings, audit, deadLetterRoutes(events), clock), pushers.mount((id, request) => events.receivePush(id, request))],
    readiness: () => !lease.held ? ['lease'] : working ? [] : ['log'],
    log, outage: 'AUDIT_UNAVAILABLE', limits: { bodyBytes: PUSH_BYTES },
  })
  const address = await server.start(port)
  const work = async (): Promise<void> => {
    if (!await lease.take()) return
    await audit.start()
    working = true
    log.info({}, 'this process owns the log')
  }
  void work().catch(fail)
  return {
    port: address.port,
    async drain() {
      await server.drain()
      if (working) await audit.drain()
      await lease.release()
      await events.close()
      await store.close()
    },
  }
}

function mountsOf({ mode, operators }: AuditCloudSettings, audit: AuditService, deadLetters: Mount['router'], clock: Clock): readonly Mount[] {
  const toOperators = createServiceVerifier({ ...operators, clock, mode })
  const guard = onlyFor((authorization) => toOperators.verify(authorization))
  return [{ paths: PATHS, guard, router: audit.routes }, { paths: ['/v1/events'], guard, router: deadLetters }]
}

function openSigner(setting: AuditCloudSettings['signer'], directory: string): Promise<Signer> {
  return 'kms' in setting ? openKmsSigner({ keyVersion: setting.kms }) : openKeyFile(resolve(directory, setting.file))
}

async function publicKey(setting: TrustedKeySetting, directory: string): Promise<TrustedKey> {
  if ('jwk' in setting) return setting
  const signer = await openSigner(setting, directory)
  return { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
}
