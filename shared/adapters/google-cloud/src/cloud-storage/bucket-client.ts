/** The file that speaks to @google-cloud/storage. Loaded when a blob is first needed. Every call is one attempt with an end. */
import type { Bucket, File } from '@google-cloud/storage'
import { crc32cBase64 } from '../crc32c.ts'
import { refuseUnsafeEnvironment } from '../unsafe-environment.ts'

export interface BucketOptions {
  readonly bucket: string
  /** Origin of the JSON API. Default: Google's. `http` for a server on this machine, which gets no credential. */
  readonly endpoint?: string | undefined
  /** Ms for one attempt. */
  readonly timeoutMs: number
}

export interface Download {
  readonly bytes: Uint8Array
  /** Base64 CRC32C of the stored bytes, as the answer's headers say it. */
  readonly crc32c: string | undefined
}

export interface BucketClient {
  /** Creates, never replaces. Resolves with what the server says that it stored. */
  insert(name: string, bytes: Uint8Array): Promise<{ readonly name: unknown, readonly size: unknown, readonly crc32c: unknown }>
  /** Undefined: larger than `maxBytes`, which is found out without reading on. */
  download(name: string, maxBytes: number): Promise<Download | undefined>
  list(query: { readonly prefix: string, readonly startOffset: string, readonly maxResults: number, readonly pageToken?: string | undefined }): Promise<{ readonly names: readonly string[], readonly next: string | undefined }>
  remove(name: string): Promise<void>
  /** The bucket's own metadata, nothing of it checked. Needs storage.buckets.get. */
  metadata(): Promise<{ readonly retentionPolicy?: unknown }>
}

/** Of an answer that is an error. */
const MAX_ERROR_BYTES = 64 * 1024
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/

/** TypeError for options or an environment that cannot be meant. */
export function bucketClient({ bucket: bucketName, endpoint, timeoutMs }: BucketOptions, environment?: Readonly<Record<string, string | undefined>>): BucketClient {
  if (!BUCKET.test(bucketName)) throw new TypeError(`${JSON.stringify(bucketName)} is no bucket's name`)
  refuseUnsafeEnvironment(environment)
  const where = endpointOptions(endpoint)
  let opened: Promise<Bucket> | undefined
  const open = async (): Promise<Bucket> => {
    const { Storage } = await import('@google-cloud/storage')
    // Without a project the library would run `gcloud` to find one. Its retries change shared state, so they are ours.
    return new Storage({ projectId: '-', retryOptions: { autoRetry: false, maxRetries: 0 }, timeout: timeoutMs, ...where }).bucket(bucketName)
  }
  const file = async (name: string): Promise<File> => (await (opened ??= open())).file(name)
  return {
    insert: (name, bytes) => within(timeoutMs, async () => insert(await file(name), bytes, timeoutMs)),
    download: (name, maxBytes) => within(timeoutMs, async (signal) => download(await file(name), maxBytes, where.useAuthWithCustomEndpoint === false, signal)),
    list: (query) => within(timeoutMs, async () => list(await (opened ??= open()), query)),
    remove: (name) => within(timeoutMs, async () => { await (await file(name)).delete() }),
    metadata: () => within(timeoutMs, async () => (await (await (opened ??= open())).getMetadata())[0]),
  }
}

/** Invariant 14: what goes to a plain address stays on this machine and takes no credential along. */
function endpointOptions(endpoint: string | undefined): { readonly apiEndpoint?: string, readonly useAuthWithCustomEndpoint?: boolean } {
  if (endpoint === undefined) return {}
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isPlain = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url?.origin !== endpoint || (url.protocol !== 'https:' && !isPlain)) throw new TypeError('the endpoint must be an https origin, or http on this machine')
  return { apiEndpoint: endpoint, useAuthWithCustomEndpoint: !isPlain }
}

async function insert(file: File, bytes: Uint8Array, timeout: number): ReturnType<BucketClient['insert']> {
  await file.save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
    resumable: false, validation: false, timeout, contentType: 'application/octet-stream',
    preconditionOpts: { ifGenerationMatch: 0 }, metadata: { crc32c: crc32cBase64(bytes) },
  })
  const { name, size, crc32c } = file.metadata
  return { name, size, crc32c }
}

/** Through fetch: the library checks no checksum where a header is missing, reads without a bound, and warns of listeners each time. */
async function download(file: File, maxBytes: number, isPlain: boolean, signal: AbortSignal): Promise<Download | undefined> {
  const url = `${file.storage.apiEndpoint}/storage/v1/b/${file.bucket.name}/o/${encodeURIComponent(file.name)}?alt=media`
  const headers = isPlain ? new Headers() : new Headers(await file.storage.authClient.getRequestHeaders(url))
  const answer = await fetch(url, { headers, signal, redirect: 'error' })
  const bytes = await readBounded(answer, answer.ok ? maxBytes : MAX_ERROR_BYTES)
  if (!answer.ok) throw Object.assign(new Error(bytes?.toString() ?? ''), { code: answer.status })
  return bytes === undefined ? undefined : { bytes, crc32c: /(?:^|[,\s])crc32c=([\w+/]{6}==)/.exec(answer.headers.get('x-goog-hash') ?? '')?.[1] }
}

async function readBounded({ body }: Response, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the body.
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function list(bucket: Bucket, { pageToken, ...query }: Parameters<BucketClient['list']>[0]): ReturnType<BucketClient['list']> {
  const [files, next] = await bucket.getFiles({ ...query, ...(pageToken === undefined ? {} : { pageToken }), autoPaginate: false, fields: 'items(name),nextPageToken' })
  const token = (next as { readonly pageToken?: unknown } | null)?.pageToken
  return { names: files.map(({ name }) => name), next: typeof token === 'string' ? token : undefined }
}

const timedOut = (ms: number): Error => Object.assign(new Error(`no answer within ${ms} ms`), { code: 408 })

async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const end = new AbortController()
  const timer = setTimeout(() => {
    reject(timedOut(ms))
    end.abort()
  }, ms)
  try {
    return await Promise.race([work(end.signal), promise])
  } finally {
    clearTimeout(timer)
  }
}
