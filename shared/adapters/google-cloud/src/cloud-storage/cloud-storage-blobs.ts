/** BlobStore on a Cloud Storage bucket. What keeps blobs from being changed is the bucket's own retention; this only ever creates. */
import { setTimeout as delay } from 'node:timers/promises'
import { PortUnavailable, type BlobStore } from '@lockkeeper/domain/ports'
import { crc32cBase64 } from '../crc32c.ts'
import { isAbsent, isRetained, isThereAlready, mayPass, RetentionNotMet, unavailable } from './blob-failures.ts'
import { bucketClient, type BucketClient } from './bucket-client.ts'

export interface CloudStorageSettings {
  readonly bucket: string
  /** Put before every key, so that services can share a bucket: segments as in a key, each with a `/` after it. Default none. */
  readonly prefix?: string
  /** Bytes of a blob at most, written and read. Default 32 MiB. */
  readonly maxBytes?: number
  /** Ms for one attempt. Default 10,000. */
  readonly timeoutMs?: number
  /** Attempts of one operation. All of them can be repeated: a create names the generation 0. Default 3. */
  readonly attempts?: number
  /** Ms before the second attempt, doubled before each further one, ± 50 %. Default 200. */
  readonly retryDelayMs?: number
  /** Origin of the JSON API, for regional endpoints and tests. Default: Google's. */
  readonly endpoint?: string
}

const SEGMENT = /^[a-z0-9._-]{1,200}$/
const MAX_NAME = 1024
const MAX_PAGES = 200

/** Dials nothing yet. TypeError for settings that cannot work. */
export function cloudStorageBlobs(settings: CloudStorageSettings): BlobStore {
  const { prefix = '', bucket, endpoint, maxBytes = 32 * 1024 * 1024, timeoutMs = 10_000, attempts = 3, retryDelayMs = 200 } = settings
  if (prefix !== '') checkName(prefix.endsWith('/') ? prefix.slice(0, -1) : '')
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1 || maxBytes > 2 ** 30) throw new TypeError('maxBytes must be 1 to 1 GiB')
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 10) throw new TypeError('attempts must be 1 to 10')
  if (!(timeoutMs >= 10 && timeoutMs <= 600_000) || !(retryDelayMs >= 1 && retryDelayMs <= 10_000)) throw new TypeError('timeoutMs must be 10 to 600,000 and retryDelayMs 1 to 10,000')
  return new CloudStorageBlobs(bucketClient({ bucket, endpoint, timeoutMs }), prefix, maxBytes, { attempts, retryDelayMs })
}

interface Retrying { readonly attempts: number, readonly retryDelayMs: number }

class CloudStorageBlobs implements BlobStore {
  readonly #client: BucketClient
  readonly #prefix: string
  readonly #maxBytes: number
  readonly #retrying: Retrying

  constructor(client: BucketClient, prefix: string, maxBytes: number, retrying: Retrying) {
    this.#client = client
    this.#prefix = prefix
    this.#maxBytes = maxBytes
    this.#retrying = retrying
  }

  async create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const name = this.#name(key)
    if (bytes.byteLength > this.#maxBytes) throw new TypeError(`blob ${key} is larger than ${this.#maxBytes} bytes`)
    const isCreated = await this.#attempt(`write ${key}`, async () => {
      try {
        return await this.#insert(name, bytes)
      } catch (error) {
        if (isThereAlready(error)) return false
        throw error
      }
    })
    return isCreated ? 'created' : this.#compare(key, bytes)
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const name = this.#name(key)
    const found = await this.#download(key, name)
    if (found === 'larger') throw new PortUnavailable(`blob ${key} is larger than ${this.#maxBytes} bytes`)
    return found
  }

  async list(prefix: string, { after, limit }: { readonly after?: string, readonly limit: number }): Promise<readonly string[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) throw new TypeError(`a list's limit is 1 to 10,000, not ${limit}`)
    const keys: string[] = []
    // One more than is wanted, because Google's offset includes the key that ours leaves out.
    const query = { prefix: this.#prefix + prefix, startOffset: after === undefined ? '' : this.#prefix + after, maxResults: Math.min(limit + 1, 1000) }
    let pageToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const { names, next } = await this.#attempt('list', () => this.#client.list({ ...query, pageToken }))
      keys.push(...names.map((name) => name.slice(this.#prefix.length)).filter((key) => isKey(key) && (after === undefined || key > after)))
      if (keys.length >= limit || next === undefined) return keys.slice(0, limit)
      pageToken = next
    }
    throw new PortUnavailable(`Cloud Storage gave no end of a list within ${MAX_PAGES} pages`)
  }

  /** RetentionNotMet where the bucket's retention or a hold keeps the blob. */
  async remove(key: string): Promise<void> {
    const name = this.#name(key)
    await this.#attempt(`remove ${key}`, async () => {
      try {
        await this.#client.remove(name)
      } catch (error) {
        if (isRetained(error)) throw new RetentionNotMet(`blob ${key} is kept by the bucket's retention`, { cause: unavailable('remove it', error).cause })
        if (!isAbsent(error)) throw error
      }
    })
  }

  async #insert(name: string, bytes: Uint8Array): Promise<true> {
    const stored = await this.#client.insert(name, bytes)
    const isWhole = stored.name === name && Number(stored.size) === bytes.byteLength && stored.crc32c === crc32cBase64(bytes)
    if (!isWhole) throw new PortUnavailable(`Cloud Storage says that it stored something else than was sent as ${name}`)
    return true
  }

  /** Byte by byte: a checksum that is equal by intent would let other bytes pass for the same. */
  async #compare(key: string, bytes: Uint8Array): Promise<'exists'> {
    const present = await this.#download(key, this.#name(key))
    if (present === undefined) throw new PortUnavailable(`blob ${key} was removed while it was created`)
    if (present === 'larger' || Buffer.compare(present, bytes) !== 0) throw new TypeError(`blob ${key} exists with other bytes`)
    return 'exists'
  }

  #download(key: string, name: string): Promise<Uint8Array | 'larger' | undefined> {
    return this.#attempt(`read ${key}`, async () => {
      try {
        const found = await this.#client.download(name, this.#maxBytes)
        if (found === undefined) return 'larger'
        // As an answer that may be better the next time: no code, so it is tried again.
        if (found.crc32c !== crc32cBase64(found.bytes)) throw new Error(`the bytes of ${key} do not have the checksum that came with them`)
        return found.bytes
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { attempts, retryDelayMs } = this.#retrying
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (attempt === attempts || error instanceof PortUnavailable || !mayPass(error)) throw unavailable(what, error)
        await delay(retryDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random()))
      }
    }
  }

  #name(key: string): string {
    return checkName(this.#prefix + checkName(key))
  }
}

function isKey(key: string): boolean {
  return key.length <= MAX_NAME && key.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..')
}

/** TypeError for what could name anything outside of the store or differ between stores. */
function checkName(name: string): string {
  if (typeof name !== 'string' || !isKey(name)) throw new TypeError(`${JSON.stringify(name)?.slice(0, 100)} cannot be a blob's key: segments of [a-z0-9._-], none of them empty, "." or ".."`)
  return name
}
