/** Opens the one connection to a store file: private, exclusive, durable. */
import { closeSync, lstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { checkPrivate, privateDirectory } from '../private-files.ts'
import type { WorkerSettings } from '../protocol.ts'
import { checkOwnership, migrate, prepareCollections } from './schema.ts'

export const PAGE_BYTES = 4096
/** The log is moved into the file between commits, see CommitGroups.tidy; this bounds it should that ever not happen. */
const MOST_LOG_PAGES = 8000
const BUSY = 5
const NOT_A_DATABASE = 26

/** Throws PortUnavailable with a text for the operator. */
export function openConnection(settings: WorkerSettings): DatabaseSync {
  const { file } = settings
  let db: DatabaseSync | undefined
  try {
    createPrivately(file)
    db = new DatabaseSync(file, { timeout: settings.lockWaitMs, allowExtension: false })
    // Exclusive before the first access: the kernel holds the lock and lets go of it however the process ends.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    checkOwnership(db, file)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY')
    db.exec(`PRAGMA wal_autocheckpoint = ${MOST_LOG_PAGES}`)
    db.exec(`PRAGMA max_page_count = ${Math.max(64, Math.floor(settings.maxBytes / PAGE_BYTES))}`)
    db.exec('BEGIN IMMEDIATE')
    migrate(db)
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
  privateDirectory(dirname(file))
  try {
    // Never opened when it is there: closing a second descriptor of the file would drop this process's own lock.
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  checkPrivate(file, lstatSync(file))
}

function explain(error: unknown, file: string): Error {
  if (error instanceof PortUnavailable) return error
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
  if (code === BUSY) return new PortUnavailable(`${file} is in use by ${owner(file)}. One process has a store at a time: stop that one, or give this one another \`store\``)
  if (code === NOT_A_DATABASE) return new PortUnavailable(`${file} is no SQLite file`)
  return new PortUnavailable(`${file} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
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
