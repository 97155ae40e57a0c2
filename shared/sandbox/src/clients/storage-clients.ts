/** What an agent does with @google-cloud/storage: unmodified library, application default credentials, no gateway in sight. */
import { createHash, randomBytes } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import { reporting } from './client-report.ts'
import type { Client } from './client-report.ts'

/** An endpoint of its own is for tests that go without a gateway. */
function storageFor(environment: Readonly<Record<string, string | undefined>>): Storage {
  const apiEndpoint = environment.SANDBOX_STORAGE_ENDPOINT
  return new Storage({ projectId: environment.GOOGLE_CLOUD_PROJECT ?? 'sandbox-project', ...(apiEndpoint === undefined ? {} : { apiEndpoint, useAuthWithCustomEndpoint: true }) })
}

/** `list-objects BUCKET` */
export const listObjects: Client = ([bucket = ''], environment) => reporting(async () => {
  const [files] = await storageFor(environment).bucket(bucket).getFiles()
  return { objects: files.map(({ name, metadata }) => ({ name, metadata: metadata.metadata })) }
})

/** `copy-media BUCKET NAME BYTES`: random content up (resumable) and down again. */
export const copyMedia: Client = ([bucket = '', name = '', size = '0'], environment) => reporting(async () => {
  const file = storageFor(environment).bucket(bucket).file(name)
  const sent = randomBytes(Number(size))
  await file.save(sent, { resumable: true, metadata: { contentType: 'application/octet-stream' } })
  const [received] = await file.download()
  return { sentBytes: sent.length, receivedBytes: received.length, same: sent.equals(received), sha256: createHash('sha256').update(received).digest('hex') }
})

/** `delete-bucket BUCKET` */
export const deleteBucket: Client = ([bucket = ''], environment) => reporting(async () => {
  await storageFor(environment).bucket(bucket).delete()
  return { deleted: bucket }
})
