/** Files that only their owner may read: how they are made, checked and read. On Windows there are no such modes; there the checks pass. */
import { closeSync, constants, fsyncSync, mkdirSync, openSync, statSync, type BigIntStats } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { PortUnavailable } from '@lockkeeper/domain/ports'

const CHECKED = process.platform !== 'win32'

/** Makes the directory (0700) where it is absent. PortUnavailable where others could exchange what lies in it. */
export function privateDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  checkDirectory(directory)
  if (first !== undefined) syncUpTo(dirname(resolve(first)), resolve(directory))
}

/** A new directory is durable once its parent is synced, and so are its new parents. */
function syncUpTo(top: string, directory: string): void {
  if (!CHECKED) return
  for (let each = directory; each.length >= top.length; each = dirname(each)) {
    const descriptor = openSync(each, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
    if (each === dirname(each)) return
  }
}

export function checkDirectory(directory: string): void {
  const { mode, uid } = statSync(directory)
  checkOwner(directory, uid)
  const sticky = (mode & 0o1000) !== 0
  if (CHECKED && (mode & 0o022) !== 0 && !sticky) {
    throw new PortUnavailable(`others may write in ${directory}, so they could exchange what lies in it. Take that right away: chmod go-w ${directory}`)
  }
}

/** Whoever owns a file can change it and its modes, whatever these say now. */
function checkOwner(path: string, uid: number): void {
  const own = process.getuid?.()
  if (own !== undefined && uid !== own && uid !== 0) {
    throw new PortUnavailable(`${path} belongs to user ${uid}, but this process runs as user ${own}. Give it to the one who runs it: chown ${own} ${path}`)
  }
}

/** PortUnavailable unless it is a regular file of this user (or of root) that no one but its owner may read. */
export function checkPrivate(path: string, stat: { readonly mode: number | bigint, readonly uid: number | bigint, isFile(): boolean }): void {
  if (!stat.isFile()) throw new PortUnavailable(`${path} is no regular file`)
  checkOwner(path, Number(stat.uid))
  if (CHECKED && (Number(stat.mode) & 0o077) !== 0) throw new PortUnavailable(`${path} can be read by others than its owner. Take that right away: chmod 600 ${path}`)
}

/** The content and the state of one and the same opened file; undefined where there is none. Links are not followed. */
export async function readPrivateFile(path: string, maxBytes: number): Promise<{ readonly bytes: Buffer, readonly stat: BigIntStats } | undefined> {
  let handle
  try {
    // Without O_NONBLOCK a named pipe in the file's place would hold the open for ever.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw new PortUnavailable(`${path} is a link, not a file`)
    throw new PortUnavailable(`${path} cannot be read`, { cause: error })
  }
  try {
    const stat = await handle.stat({ bigint: true })
    checkPrivate(path, stat)
    if (stat.size > maxBytes) throw new PortUnavailable(`${path} is over ${maxBytes} bytes`)
    return { bytes: await handle.readFile(), stat }
  } finally {
    await handle.close()
  }
}

/**
 * Creates the file whole or not at all, durable when it resolves; false where the path is taken. `staging` is a directory
 * of the same file system for the unfinished file.
 */
export async function createWhole(path: string, bytes: Uint8Array, staging: string): Promise<boolean> {
  const unfinished = join(staging, `.${randomUUID()}.new`)
  const handle = await open(unfinished, 'wx', 0o600)
  try {
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return await linkOnce(unfinished, path)
  } finally {
    await unlink(unfinished)
  }
}

async function linkOnce(from: string, to: string): Promise<boolean> {
  let created = true
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    created = false
  }
  // Also where it was there: whoever made it may not have come to this line yet.
  await syncDirectory(dirname(to))
  return created
}

export async function syncDirectory(directory: string): Promise<void> {
  if (!CHECKED) return
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
