/** What an agent does with @google-cloud/storage: unmodified library, application default credentials, no gateway in sight. */
import { createHash, randomBytes } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import { reporting } from './client-report.ts'
import type { Client } from './client-report.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface StorageClients {
  /** `list-objects BUCKET` */
  readonly listObjects: Client
  /** `copy-media BUCKET NAME BYTES`: random content up (resumable) and down again. */
  readonly copyMedia: Client
  /** `delete-bucket BUCKET` */
  readonly deleteBucket: Client
}

/** With `SANDBOX_STORAGE_ENDPOINT`: pointed there (a gateway's path door) with the token of `SANDBOX_STORAGE_TOKEN`, for gateways without a forward door. */
function storageOf({ GOOGLE_CLOUD_PROJECT: projectId = 'sandbox-project', SANDBOX_STORAGE_ENDPOINT: apiEndpoint, SANDBOX_STORAGE_TOKEN: token }: Environment): Storage {
  if (apiEndpoint === undefined) return new Storage({ projectId })
  const storage = new Storage({ projectId, apiEndpoint })
  // With an endpoint of its own the library sends no token by itself.
  const interceptor = { request: (options: { readonly headers?: object }) => ({ ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }) }
  storage.interceptors.push(interceptor as unknown as (typeof storage.interceptors)[number])
  return storage
}

export function storageClients(open: (environment: Environment) => Storage = storageOf): StorageClients {
  return {
    listObjects: ([bucket = ''], environment) => reporting(async () => {
      const [files] = await open(environment).bucket(bucket).getFiles()
      return { objects: files.map(({ name, metadata }) => ({ name, metadata: metadata.metadata })) }
    }),
    copyMedia: ([bucket = '', name = '', size = '0'], environment) => reporting(async () => {
      const file = open(environment).bucket(bucket).file(name)
      const sent = randomBytes(Number(size))
      await file.save(sent, { resumable: true, metadata: { contentType: 'application/octet-stream' } })
      const [received] = await file.download()
      return { sentBytes: sent.length, receivedBytes: received.length, same: sent.equals(received), sha256: createHash('sha256').update(received).digest('hex') }
    }),
    deleteBucket: ([bucket = ''], environment) => reporting(async () => {
      await open(environment).bucket(bucket).delete()
      return { deleted: bucket }
    }),
  }
}
