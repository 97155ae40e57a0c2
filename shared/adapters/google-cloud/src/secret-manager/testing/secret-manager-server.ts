/** Answers by google.cloud.secretmanager.v1 proto; not Google's server. */
import { protos } from '@google-cloud/secret-manager'
import { GrpcFault, grpcMethod, referenceCrc32c, startGrpcServer, type GrpcServer } from '@lockkeeper/testkit'
import type { SecretManagerClientOptions } from '../secret-manager-client.ts'
import { plainChannel } from '../../testing/plain-channel.ts'

const { AccessSecretVersionRequest, AccessSecretVersionResponse } = protos.google.cloud.secretmanager.v1

interface StoredVersion { readonly data: Uint8Array, state: 'ENABLED' | 'DISABLED' | 'DESTROYED' }
type Answer = Parameters<typeof AccessSecretVersionResponse.encode>[0]

export interface SecretManagerServer extends GrpcServer {
  /** Adds a version and gives its number. `secret`: projects/P/secrets/S. */
  add(secret: string, data: string | Uint8Array): number
  setState(secret: string, version: number, state: StoredVersion['state']): void
  /** Changes what is answered. */
  distort: ((answer: Answer) => Answer) | undefined
  /** The SDK's options with which a client dials it. */
  readonly clientOptions: SecretManagerClientOptions
}

const PROJECT_NUMBER = '123456789012'
const NAME = /^(projects\/[^/]+\/secrets\/[^/]+)\/versions\/(latest|\d+)$/

export async function startSecretManagerServer(): Promise<SecretManagerServer> {
  const secrets = new Map<string, StoredVersion[]>()
  const server = await startGrpcServer('google.cloud.secretmanager.v1.SecretManagerService', {
    AccessSecretVersion: grpcMethod(AccessSecretVersionRequest, AccessSecretVersionResponse, ({ name }) => {
      if (server.calls.at(-1)?.routing !== `name=${encodeURIComponent(name)}`) throw new GrpcFault('INVALID_ARGUMENT', 'the routing header does not name the version')
      const answer = find(name)
      return full.distort?.(answer) ?? answer
    }),
  })
  function find(name: string): Answer {
    const [, secret = '', wanted = ''] = NAME.exec(name) ?? []
    if (secret === '') throw new GrpcFault('INVALID_ARGUMENT', `${name} is no version`)
    const versions = secrets.get(secret) ?? []
    const number = wanted === 'latest' ? versions.length : Number(wanted)
    const version = versions[number - 1]
    if (version === undefined) throw new GrpcFault('NOT_FOUND', `Secret Version [${name}] not found.`)
    if (version.state !== 'ENABLED') throw new GrpcFault('FAILED_PRECONDITION', `Secret Version [${name}] is in ${version.state} state.`)
    // Google answers with the project's number, whatever was asked for.
    return { name: `${secret.replace(/^projects\/[^/]+/, `projects/${PROJECT_NUMBER}`)}/versions/${number}`, payload: { data: version.data, dataCrc32c: referenceCrc32c(version.data) } }
  }
  const full: SecretManagerServer = Object.assign(server, {
    distort: undefined as SecretManagerServer['distort'],
    add(secret: string, data: string | Uint8Array) {
      const versions = secrets.get(secret) ?? []
      secrets.set(secret, versions)
      return versions.push({ data: typeof data === 'string' ? Buffer.from(data) : data, state: 'ENABLED' })
    },
    setState(secret: string, version: number, state: StoredVersion['state']) {
      const stored = secrets.get(secret)?.[version - 1]
      if (stored === undefined) throw new TypeError(`there is no version ${version} of ${secret}`)
      stored.state = state
    },
    clientOptions: plainChannel(server.port),
  })
  return full
}
