/** The log as plain files, and such files as a log again: what an auditor takes away and checks elsewhere. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { BlobStore } from '@lockkeeper/domain/ports'
import type { LogSource, TrustedKeys } from '@lockkeeper/transparency-log'
import { LOG_PREFIXES, type LogReader } from './log-reader.ts'

const FOLDERS = ['segments', 'bodies', 'checkpoints'] as const
const KEYS_FILE = 'keys.json'

export interface ExportedLog {
  readonly segments: number
  readonly bodies: number
  readonly checkpoints: number
}

/** Writes into an empty or new directory; LockkeeperError REQUEST_INVALID for any other. Files are readable by their owner only. */
export async function exportLog(directory: string, blobs: BlobStore, reader: LogReader, keys: TrustedKeys): Promise<ExportedLog> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await readdir(directory)).length > 0) throw new LockkeeperError('REQUEST_INVALID', 'The log is exported into an empty directory only.')
  const counts = { segments: 0, bodies: 0, checkpoints: 0 }
  for (const folder of FOLDERS) {
    await mkdir(join(directory, folder), { mode: 0o700 })
    for await (const key of reader.keys(LOG_PREFIXES[folder])) {
      const bytes = await blobs.read(key)
      if (bytes === undefined) continue
      await writeFile(join(directory, folder, key.slice(LOG_PREFIXES[folder].length)), bytes, { mode: 0o600, flag: 'wx' })
      counts[folder]++
    }
  }
  await writeFile(join(directory, KEYS_FILE), `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return counts
}

/**
 * An exported log, or a copy of the store's own blob directory. The keys must come from a source of your own: the `keys.json`
 * of an export proves nothing, since whoever changes the log can change it too.
 */
export async function openLogDirectory(directory: string, trustedKeys: TrustedKeys): Promise<LogSource> {
  const root = await findRoot(directory)
  return {
    trustedKeys,
    segments: () => files(join(root, 'segments')),
    async * checkpoints() { for await (const bytes of files(join(root, 'checkpoints'))) yield bytes.toString() },
  }
}

/** The public keys that an export carries, for comparing them with your own. */
export async function exportedKeys(directory: string): Promise<TrustedKeys> {
  return JSON.parse(await readFile(join(directory, KEYS_FILE), 'utf8')) as TrustedKeys
}

async function findRoot(directory: string): Promise<string> {
  for (const candidate of [directory, join(directory, 'log'), join(directory, 'blobs', 'log')]) {
    if (await listed(join(candidate, 'segments')) !== undefined) return candidate
  }
  throw new LockkeeperError('REQUEST_INVALID', 'The directory holds no audit log: it has no folder `segments`.')
}

async function * files(folder: string): AsyncGenerator<Buffer> {
  for (const name of (await listed(folder) ?? []).sort()) yield await readFile(join(folder, name))
}

async function listed(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
