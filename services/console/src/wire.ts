/** The console's composition root in the Google Cloud edition. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { serviceIdentity } from '@lockkeeper/adapter-google-auth'
import { openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { secretKey32, secretManagerSecrets } from '@lockkeeper/adapter-google-cloud/secret-manager'
import { fileSecrets } from '@lockkeeper/adapter-sqlite'
import { createApproverVerifier, createPeopleDirectory, type ApproverVerifier } from '@lockkeeper/auth'
import { systemClock, type Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { createServiceServer, personsOf, type LoadedSettings, type RunningService } from '@lockkeeper/service-kit/server'
import type { ConsoleCloudSettings } from './cloud-settings.ts'
import { iapIdentity } from './iap.ts'
import { builtPage, collections, createConsoleService, createOidcClient, createServiceApi, type OidcClient, type ServiceApi } from './service.ts'

export interface WireOptions { readonly log: Log, readonly clock?: Clock }

export async function openConsole({ settings, directory, port }: LoadedSettings<ConsoleCloudSettings>, { log, clock = systemClock }: WireOptions): Promise<RunningService & { readonly port: number }> {
  const { mode, origin, operators, approverIssuers, iap, project, emulators } = settings
  const persons = personsOf(resolve(directory, settings.people))
  const people = createPeopleDirectory(persons)
  const approvers = createApproverVerifier({ issuers: approverIssuers, people, clock, mode })
  const ask = (name: 'approval' | 'audit'): ServiceApi => createServiceApi({ origin: settings.services[name], authorization: identityOf(settings, name, { directory, clock, log }) })
  const store = await openFirestore({ projectId: project, databaseId: settings.database, collections, clock, onProblem: (problem, cause) => log.warn({ err: cause }, problem), ...emulators === undefined ? {} : { emulator: emulators.firestore } })
  const secrets = secretsOf(settings, { directory, clock, log })
  const mailLinkKey = settings.mailLinkKey === undefined || secrets === undefined ? undefined : await secretKey32(secrets, settings.mailLinkKey)
  const service = createConsoleService({
    clock, documents: store.documents, log, people, approval: ask('approval'), audit: ask('audit'), page: builtPage(), origin: () => origin,
    clients: clientsOf(settings, approvers, secrets, clock), mailLinkKey,
    ...iap === undefined ? {} : { iap: iapIdentity({ ...iap, people, persons, clock, mode }) },
  }, { mode, operators, decideBy: 'idToken' }, origin.startsWith('https://'))
  const server = createServiceServer({
    routes: [{ paths: [''], guard: (_request, _response, next) => next(), router: service.routes }],
    readiness: () => [], log, outage: 'APPROVAL_UNAVAILABLE', limits: { bodyBytes: 64 * 1024 },
  })
  const address = await server.start(port)
  return {
    port: address.port,
    async drain() {
      await service.drain()
      await server.drain()
      await store.close()
    },
  }
}

interface Surroundings { readonly directory: string, readonly clock: Clock, readonly log: Log }

/** An ID token for exactly the service that is asked. */
function identityOf({ identity, services }: ConsoleCloudSettings, name: 'approval' | 'audit', { directory, clock }: Surroundings): () => Promise<string> {
  if ('tokenFile' in identity) return async () => `Bearer ${(await readFile(resolve(directory, identity.tokenFile.replaceAll('{service}', name)), 'utf8')).trim()}`
  return serviceIdentity(services[name], { clock })
}

function secretsOf({ secrets }: ConsoleCloudSettings, { directory, clock, log }: Surroundings): SecretSource | undefined {
  if (secrets === undefined) return undefined
  return 'secretManager' in secrets ? secretManagerSecrets({ secrets: secrets.secretManager }, { clock, log }) : fileSecrets(resolve(directory, secrets.directory))
}

function clientsOf({ mode, signIn, approverIssuers }: ConsoleCloudSettings, approvers: ApproverVerifier, secrets: SecretSource | undefined, clock: Clock): readonly OidcClient[] {
  return signIn.flatMap(({ issuer: name, clientId, clientSecret, label }) => {
    const issuer = approverIssuers.find((each) => each.name === name)
    // The settings' own check has refused a client of an unknown issuer.
    if (issuer === undefined) return []
    return [createOidcClient({
      name, label: label ?? name, issuer: issuer.issuer, clientId, mode, clock, verify: (token, nonce) => approvers.verifyApproverToken(token, nonce),
      ...clientSecret === undefined || secrets === undefined ? {} : { clientSecret: async () => (await secrets.access(clientSecret)).value.trim() },
    })]
  })
}
