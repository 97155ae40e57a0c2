/** The store's own tables and how an older file becomes today's. */
import type { DatabaseSync } from 'node:sqlite'
import { PortUnavailable, type Collection } from '@lockkeeper/domain/ports'
import { tableName, wantedIndexes } from '../declared-queries.ts'

/** "LkKp": tells a Lockkeeper store from any other SQLite file. */
const APPLICATION_ID = 0x4c6b4b70

/** Step i brings a file from version i to i + 1; a step that has left the house is never edited. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO counter VALUES ('version', 0);
   CREATE TABLE subscription (
     id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, name TEXT NOT NULL, max_deliveries INTEGER NOT NULL, UNIQUE (topic, name)) STRICT;
   CREATE TABLE delivery (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, subscription INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL, event TEXT NOT NULL) STRICT;
   CREATE INDEX delivery_due ON delivery (subscription, due_at);
   CREATE TABLE dead_letter (
     seq INTEGER PRIMARY KEY, subscription INTEGER NOT NULL, event TEXT NOT NULL, error TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
   CREATE INDEX dead_letter_at ON dead_letter (at, seq);`,
]

export const SCHEMA_VERSION = MIGRATIONS.length

/** PortUnavailable, with a text for the operator, for a file of another program or of a newer Lockkeeper. Changes nothing. */
export function checkOwnership(db: DatabaseSync, file: string): void {
  const version = storedVersion(db)
  const { application_id: owner } = db.prepare('PRAGMA application_id').get() as { application_id: number }
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (owner !== APPLICATION_ID && (tables > 0 || version > 0 || owner !== 0)) throw new PortUnavailable(`${file} is a SQLite file of some other program, not a Lockkeeper store`)
  if (version > SCHEMA_VERSION) {
    throw new PortUnavailable(`${file} was written by a newer Lockkeeper (store version ${version}; this one knows up to ${SCHEMA_VERSION}). Start that newer version again, or restore a backup made before the upgrade`)
  }
}

export function migrate(db: DatabaseSync): void {
  const version = storedVersion(db)
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index >= version) db.exec(`${step} PRAGMA user_version = ${index + 1}`)
  }
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
}

function storedVersion(db: DatabaseSync): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

/** Makes the tables and indexes of the declared collections and drops indexes that nothing declares any more. */
export function prepareCollections(db: DatabaseSync, collections: readonly Collection[]): void {
  const wanted = new Set<string>()
  for (const collection of collections) {
    db.exec(`CREATE TABLE IF NOT EXISTS ${tableName(collection.name)} (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL) STRICT`)
    for (const [name, sql] of wantedIndexes(collection)) {
      wanted.add(name)
      db.exec(sql)
    }
  }
  const present = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'doc:%'").all() as { name: string }[]
  for (const { name } of present) {
    const quoted = `"${name}"`
    if (!wanted.has(quoted)) db.exec(`DROP INDEX ${quoted}`)
  }
}
