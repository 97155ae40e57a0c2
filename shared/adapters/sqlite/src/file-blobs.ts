/** BlobStore on files. A key's last segment ends in `=` on disk, so that `a` and `a/b` can both be there, as in a bucket. */
import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { PortUnavailable, type BlobStore } from '@lockkeeper/domain/ports'
import { createWhole, privateDirectory, syncDirectory } from './private-files.ts'

const SEGMENT = /^[a-z0-9._-]{1,200}$/
const MAX_KEY = 1024
/** Unfinished files of a process that died are removed once they are this old. */
const STALE_MS = 60 * 60 * 1000

/** PortUnavailable where the directory cannot be used. `clock` tells how old unfinished files are; default: the system's. */
export async function openFileBlobs(directory: string, options: { readonly clock?: Clock } = {}): Promise<BlobStore> {
  const root = join(directory, 'blobs')
  const staging = join(directory, 'incoming')
  for (const each of [directory, root, staging]) reach('open', () => privateDirectory(each))
  await removeStale(staging, (options.clock ?? systemClock).now())
  return new FileBlobs(root, staging)
}

class FileBlobs implements BlobStore {
  readonly #root: string
  readonly #staging: string

  constructor(root: string, staging: string) {
    this.#root = root
    this.#staging = staging
  }

  async create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const path = this.#path(key)
    const created = await outage(`write ${key}`, async () => {
      await this.#makeParents(key)
      return createWhole(path, bytes, this.#staging)
    })
    if (created) return 'created'
    const present = await this.read(key)
    if (present === undefined) throw new PortUnavailable(`blob ${key} was removed while it was created`)
    if (Buffer.compare(present, bytes) !== 0) throw new TypeError(`blob ${key} exists with other bytes`)
    return 'exists'
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key)
    return outage(`read ${key}`, () => unlessAbsent(readFile(path)))
  }

  async list(prefix: string, { after, limit }: { readonly after?: string, readonly limit: number }): Promise<readonly string[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) throw new TypeError(`a list's limit is 1 to 10,000, not ${limit}`)
    const keys: string[] = []
    await outage('list', async () => {
      for await (const key of this.#walk('', prefix, after)) {
        keys.push(key)
        if (keys.length === limit) break
      }
    })
    return keys
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key)
    await outage(`remove ${key}`, async () => {
      const removed = await unlessAbsent(unlink(path).then(() => true))
      if (removed === true) await syncDirectory(dirname(path))
    })
  }

  /** Keys under a directory (`''` or ending in `/`) in ascending order; directories that cannot hold one are not read. */
  async * #walk(under: string, prefix: string, after: string | undefined): AsyncGenerator<string> {
    const entries = await unlessAbsent(readdir(join(this.#root, under), { withFileTypes: true })) ?? []
    const names = entries.flatMap(entry => entry.isDirectory() ? [`${entry.name}/`] : entry.isFile() && entry.name.endsWith('=') ? [entry.name.slice(0, -1)] : []).sort(compare)
    for (const name of names) {
      const key = under + name
      if (!name.endsWith('/')) {
        if (key.startsWith(prefix) && (after === undefined || key > after)) yield key
        continue
      }
      const mayHold = (key.startsWith(prefix) || prefix.startsWith(key)) && (after === undefined || key > after || after.startsWith(key))
      if (mayHold) yield* this.#walk(key, prefix, after)
    }
  }

  /** New directories are durable before a file in them is. */
  async #makeParents(key: string): Promise<void> {
    let parent = this.#root
    for (const segment of key.split('/').slice(0, -1)) {
      const child = join(parent, segment)
      try {
        await mkdir(child, { mode: 0o700 })
        await syncDirectory(parent)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      parent = child
    }
  }

  #path(key: string): string {
    return join(this.#root, `${checkedKey(key)}=`)
  }
}

/** TypeError for what could name anything outside of the store or differ between file systems. */
function checkedKey(key: string): string {
  const segments = typeof key === 'string' && key.length <= MAX_KEY ? key.split('/') : ['']
  if (!segments.every(segment => SEGMENT.test(segment) && segment !== '.' && segment !== '..')) {
    throw new TypeError(`${JSON.stringify(key)?.slice(0, 100)} cannot be a blob's key: segments of [a-z0-9._-], none of them empty, "." or ".."`)
  }
  return key
}

async function removeStale(staging: string, now: number): Promise<void> {
  await outage('open', async () => {
    for (const name of await readdir(staging)) {
      const path = join(staging, name)
      const found = await unlessAbsent(stat(path))
      if (found !== undefined && found.mtimeMs < now - STALE_MS) await unlessAbsent(unlink(path))
    }
  })
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

async function outage<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unavailable(what, error)
  }
}

function reach(what: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw unavailable(what, error)
  }
}

function unavailable(what: string, error: unknown): PortUnavailable {
  return error instanceof PortUnavailable ? error : new PortUnavailable(`the blob store could not ${what}`, { cause: error })
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
