/** Opens the one connection to a store file: private, exclusive, durable. */
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { WorkerSettings } from '../protocol.ts'
import { migrate, prepareCollections, Unopenable } from './schema.ts'

const PAGE_BYTES = 4096
/** A process that is just ending gets this long to let go of the file. */
const LOCK_WAIT_MS = 1000
const BUSY = 5
const NOT_A_DATABASE = 26

/** Throws Unopenable with a text for the operator. */
export function openConnection(settings: WorkerSettings): DatabaseSync {
  const { file } = settings
  createPrivately(file)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: LOCK_WAIT_MS, allowExtension: false })
    // Exclusive before the first access: the kernel holds the lock and lets go of it however the process ends.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY')
    db.exec(`PRAGMA max_page_count = ${Math.max(64, Math.floor(settings.maxBytes / PAGE_BYTES))}`)
    db.exec('BEGIN IMMEDIATE')
    migrate(db, file)
    prepareCollections(db, settings.collections)
    db.prepare('UPDATE delivery SET due_at = ? WHERE due_at > ?').run(settings.openedAt, settings.openedAt)
    db.exec('COMMIT')
    writeFileSync(ownerFile(file), JSON.stringify({ pid: process.pid, openedAt: settings.openedAt }), { mode: 0o600 })
    return db
  } catch (error) {
    db?.close()
    throw explain(error, file)
  }
}

export function releaseConnection(db: DatabaseSync, file: string): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  rmSync(ownerFile(file), { force: true })
  db.close()
}

/** Says who has the file; the lock itself is the kernel's. */
function ownerFile(file: string): string {
  return `${file}.owner`
}

function createPrivately(file: string): void {
  const directory = dirname(file)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { mode } = lstatSync(directory)
  const sticky = (mode & 0o1000) !== 0
  if (process.platform !== 'win32' && (mode & 0o022) !== 0 && !sticky) {
    throw new Unopenable(`others may write in ${directory}, so they could exchange the store. Take that right away: chmod go-w ${directory}`)
  }
  try {
    // Never opened when it is there: closing a second descriptor of the file would drop this process's own lock.
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explain(error, file)
  }
  const found = lstatSync(file)
  if (!found.isFile()) throw new Unopenable(`${file} is no regular file`)
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) throw new Unopenable(`${file} can be read by others than its owner. Take that right away: chmod 600 ${file}`)
}

function explain(error: unknown, file: string): Error {
  if (error instanceof Unopenable) return error
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
  if (code === BUSY) return new Unopenable(`${file} is in use by ${owner(file)}. One process has a store at a time: stop that one, or give this one another \`store\``)
  if (code === NOT_A_DATABASE) return new Unopenable(`${file} is no SQLite file`)
  return new Unopenable(`${file} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
}

function owner(file: string): string {
  try {
    const { pid, openedAt } = JSON.parse(readFileSync(ownerFile(file), 'utf8')) as { pid: number, openedAt: number }
    return `process ${pid} since ${new Date(openedAt).toISOString()}`
  } catch {
    // The text is a help only; a missing or torn owner file must not hide the real answer.
    return 'another process'
  }
}
