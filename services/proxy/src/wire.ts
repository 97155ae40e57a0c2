/** The proxy's composition root in the Google Cloud edition. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createCredentialSource, serviceIdentity, type CredentialSettings } from '@lockkeeper/adapter-google-auth'
import { cloudStorageBlobs } from '@lockkeeper/adapter-google-cloud/cloud-storage'
import { byCollection, openFirestore, readOnly } from '@lockkeeper/adapter-google-cloud/firestore'
import { openKmsSigner } from '@lockkeeper/adapter-google-cloud/kms'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { secretKey32, secretManagerSecrets } from '@lockkeeper/adapter-google-cloud/secret-manager'
import { fileSecrets, openFileBlobs, openKeyFile } from '@lockkeeper/adapter-sqlite'
import { createPeopleDirectory, createVerifier } from '@lockkeeper/auth'
import { createCatalog } from '@lockkeeper/catalog'
import { systemClock, type Clock, type Mode } from '@lockkeeper/domain'
import { approvals, locks } from '@lockkeeper/domain/collections'
import { TOPICS } from '@lockkeeper/domain/events'
import type { BlobStore, CredentialSource, SecretSource, Signer } from '@lockkeeper/domain/ports'
import { maskProblems } from '@lockkeeper/masking'
import { accountResources, policies, watchBundle, type CredentialConfig, type TargetConfig, type VerifyKey } from '@lockkeeper/policy-engine'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import { personsOf, type LoadedSettings, type RunningService, type TrustedKeySetting } from '@lockkeeper/service-kit/server'
import { batchEvent, createRecordWriter } from '@lockkeeper/transparency-log'
import { createApprovalClient } from './approval-client.ts'
import type { ProxyCloudSettings } from './cloud-settings.ts'
import { createProxy, createTargets, DEFAULT_LIMITS, watchTargets, type Targets } from './service.ts'

export interface WireOptions { readonly log: Log, readonly telemetry?: Telemetry | undefined, readonly revision: string, readonly clock?: Clock }

/** Agents are elsewhere: nothing of this process is in their reach but its port. */
const ISOLATION = 'container'
/** The audit service counts a writer as lost after a minute of silence. */
const HEARTBEAT_MS = 10_000

export async function openProxy({ settings, directory, port }: LoadedSettings<ProxyCloudSettings>, { log, telemetry, revision, clock = systemClock }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode } = settings
  const instance = `${revision}-${randomBytes(6).toString('hex')}`
  const parts = await openParts(settings, directory, { log, clock })
  const { documents, events, blobs, signer, sessionKey, policyKeys, catalog } = parts
  const methods = [...catalog.methods()]
  const bundles = watchBundle({ store: documents, blobs, keys: policyKeys, methods, maskProblems, clock, onProblem: (problem) => problem === undefined ? log.info({}, 'the newest policy is in force again') : log.error({ problem }, 'the newest policy is not in force; the old one stays') })
  const records = await createRecordWriter({
    service: 'proxy', bootId: instance, signer, clock, mode, isolation: ISOLATION, heartbeatMs: HEARTBEAT_MS,
    publish: (batch) => events.publish(TOPICS.records, [batchEvent(batch, `/proxy/${instance}`, clock.now())]),
  })
  const approval = createApprovalClient({ origin: settings.approval.origin, authorization: identityOf(settings, directory, clock, log), log })
  const targets = targetsOf(settings.targets, { ...parts, mode, clock, log })
  const proxy = createProxy({
    clock, documents, events, approval, catalog, records, targets, log, telemetry, sessionKey, policy: bundles,
    verifier: createVerifier({ issuers: settings.issuers, people: createPeopleDirectory(settings.people === undefined ? [] : personsOf(resolve(directory, settings.people))), clock, mode }),
  }, {
    mode, isolation: ISOLATION, instance, holdMs: settings.hold, staleAfterMs: 5_000, upstreamHeadersMs: settings.upstream.headers, upstreamBodyMs: settings.upstream.body,
    limits: { ...DEFAULT_LIMITS, ...settings.limits }, protectedResources: protectedResources(settings), ...settings.approvalUrl === undefined ? {} : { approvalUrl: settings.approvalUrl },
  })
  const address = await proxy.start({ address: '0.0.0.0', port, doors: settings.doors })
  return {
    port: address.port,
    async drain() {
      await proxy.drain(5_000)
      await Promise.all([records.close(), approval.close()])
      bundles.close()
      targets.close()
      await Promise.all([events.close(), parts.close()])
    },
  }
}

interface Context { readonly log: Log, readonly clock: Clock }

async function openParts(settings: ProxyCloudSettings, directory: string, { log, clock }: Context) {
  const { project, emulators, databases } = settings
  const database = (databaseId: string, collections: Parameters<typeof openFirestore>[0]['collections']) => openFirestore({ projectId: project, databaseId, collections, clock, onProblem: (problem, cause) => log.warn({ err: cause }, problem), ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const [policyStore, approvalStore] = await Promise.all([database(databases.policy, [policies]), database(databases.approval, [approvals, locks])])
  const documents = readOnly(byCollection([{ store: policyStore.documents, collections: [policies] }, { store: approvalStore.documents, collections: [approvals, locks] }]))
  const events = openPubSub({ projectId: project, service: 'proxy', log, ...emulators === undefined ? {} : { emulator: emulators.pubsub } })
  const secrets: SecretSource = 'secretManager' in settings.secrets ? secretManagerSecrets({ secrets: settings.secrets.secretManager }, { clock, log }) : fileSecrets(resolve(directory, settings.secrets.directory))
  const catalog = createCatalog()
  const [blobs, signer, sessionKey, policyKeys] = await Promise.all([
    openBlobs(settings, directory), openSigner(settings.signer, directory), secretKey32(secrets, settings.sessionKey),
    Promise.all(settings.policyKeys.map((key) => verifyKey(key, directory))), catalog.load(),
  ])
  return { documents, events, secrets, catalog, blobs, signer, sessionKey, policyKeys, close: () => Promise.all([policyStore.close(), approvalStore.close()]) }
}

async function openBlobs({ blobs }: ProxyCloudSettings, directory: string): Promise<BlobStore> {
  return 'bucket' in blobs ? cloudStorageBlobs(blobs) : openFileBlobs(resolve(directory, blobs.directory))
}

type TargetParts = Pick<Awaited<ReturnType<typeof openParts>>, 'documents' | 'blobs' | 'secrets' | 'policyKeys'> & Context & { readonly mode: Mode }

/** Those of the settings, else those that the policy service publishes: signed, and swapped whole. */
function targetsOf(configured: readonly TargetConfig[] | undefined, { documents, blobs, secrets, policyKeys, mode, clock, log }: TargetParts): Targets & { close(): void } {
  const credential = ({ name, credential: config }: TargetConfig): CredentialSource => createCredentialSource(credentialOf(config), {
    clock, secrets,
    onWhole: (call, why) => log.debug({ target: name, method: call.method.id, why }, 'the credential was not narrowed for a call'),
    onFailure: (error) => log.error({ target: name, error: error.refusal.detail ?? error.message }, 'an upstream credential could not be renewed'),
  })
  if (configured === undefined) {
    return watchTargets({
      store: documents, blobs, keys: policyKeys, clock, mode, credential,
      onProblem: (problem) => problem === undefined ? log.info({}, 'the newest targets are in force again') : log.error({ problem }, 'the newest targets are not in force; the old ones stay'),
      onTargets: (all) => log.info({ targets: all.map(({ name }) => name) }, 'targets are in force'),
    })
  }
  const byName = new Map(configured.map((target) => [target.name, target]))
  const fixed = createTargets(configured.map(({ credential: _credential, sendsCredential: _sends, ...target }) => target), ({ name }) => credential(byName.get(name) as TargetConfig))
  return { ...fixed, close: () => undefined }
}

function openSigner(setting: ProxyCloudSettings['signer'], directory: string): Promise<Signer> {
  return 'kms' in setting ? openKmsSigner({ keyVersion: setting.kms }) : openKeyFile(resolve(directory, setting.file))
}

async function verifyKey(setting: TrustedKeySetting, directory: string): Promise<VerifyKey> {
  if ('jwk' in setting) return setting
  const signer = await openSigner(setting, directory)
  return { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
}

/** The sandbox's token is read anew each time, so that whoever renews the file is heard. */
function identityOf({ approval, identity }: ProxyCloudSettings, directory: string, clock: Clock, log: Log): () => Promise<string> {
  if ('tokenFile' in identity) return async () => `Bearer ${(await readFile(resolve(directory, identity.tokenFile), 'utf8')).trim()}`
  return serviceIdentity(approval.audience ?? approval.origin, { clock, onFailure: (error) => log.error({ error: error.refusal.detail ?? error.message }, 'the token for the approval service could not be renewed') })
}

function credentialOf(config: CredentialConfig): CredentialSettings {
  if ('adc' in config) return { kind: 'adc', downscope: config.downscope }
  if ('impersonate' in config) return { kind: 'impersonate', targetPrincipal: config.impersonate, lifetimeSeconds: Math.round(config.lifetime / 1000), scopes: config.scopes, delegates: config.delegates, downscope: config.downscope }
  if ('idToken' in config) return { kind: 'idToken', audience: config.audience }
  if ('secret' in config) return { kind: 'secret', name: config.secret }
  return { kind: 'none' }
}

/** Configured, the gateway's own project, and the accounts behind its credentials (invariant 12). */
function protectedResources({ project, protected: own, targets }: ProxyCloudSettings): readonly string[] {
  const projects = [...new Set([project, ...own.projects])].flatMap((one) => [`//*.googleapis.com/projects/${one}`, `//*.googleapis.com/projects/${one}/**`])
  return [...projects, ...own.resources, ...accountResources(targets ?? [])]
}
