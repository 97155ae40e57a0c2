/** Reads, version checks and writes of documents, on the worker's connection. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DocKey } from '@lockkeeper/domain/documents'
import type { Collection } from '@lockkeeper/domain/ports'
import { expiredSql, tableName } from '../declared-queries.ts'
import type { DocRow, OperationOf, StoredDoc } from '../protocol.ts'

export class DocumentTables {
  readonly #db: DatabaseSync
  readonly #collections: readonly Collection[]
  readonly #statements = new Map<string, StatementSync>()
  readonly #saveVersion: StatementSync
  #version: number
  #savedVersion: number

  constructor(db: DatabaseSync, collections: readonly Collection[]) {
    this.#db = db
    this.#collections = collections
    this.#version = (db.prepare("SELECT value FROM counter WHERE name = 'version'").get() as { value: number }).value
    this.#savedVersion = this.#version
    this.#saveVersion = db.prepare("UPDATE counter SET value = ? WHERE name = 'version'")
  }

  read(keys: readonly DocKey[]): DocRow[] {
    return keys.map(([collection, id]) => {
      const row = this.#prepare(`SELECT version, data FROM ${tableName(collection)} WHERE id = ?`).get(id) as unknown as [number, string] | undefined
      return row ?? null
    })
  }

  rows(sql: string, params: readonly (string | number)[]): StoredDoc[] {
    return this.#prepare(sql).all(...params) as unknown as StoredDoc[]
  }

  /** Keys whose document is not what the commit was decided on. Nothing is written before this is empty. */
  conflicts(commit: OperationOf<'commit'>): DocKey[] {
    const conflicts: DocKey[] = commit.reads.filter(([collection, id, version]) => this.#versionOf(collection, id) !== version).map(([collection, id]) => [collection, id])
    for (const [kind, collection, id] of commit.writes) {
      if (kind === 'create' && this.#versionOf(collection, id) !== null) conflicts.push([collection, id])
    }
    return conflicts
  }

  /** Answers with the version of the first write. Numbers are never given twice, not even after a rollback. */
  write(commit: OperationOf<'commit'>): number {
    const first = this.#version + 1
    for (const [kind, collection, id, json] of commit.writes) {
      this.#version += 1
      if (kind === 'delete') this.#delete(collection, id)
      else this.#prepare(`INSERT INTO ${tableName(collection)} (id, version, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, data = excluded.data`).run(id, this.#version, json)
    }
    return first
  }

  sweep(now: number, limit: number): DocKey[] {
    const removed: DocKey[] = []
    for (const collection of this.#collections) {
      const sql = expiredSql(collection)
      if (sql === undefined || removed.length >= limit) continue
      for (const [id] of this.#prepare(sql).all(now, limit - removed.length) as unknown as [string][]) {
        this.#delete(collection.name, id)
        removed.push([collection.name, id])
      }
    }
    return removed
  }

  /** Part of every group that wrote documents, so that the numbers go on after a restart. */
  saveVersion(): void {
    if (this.#version === this.#savedVersion) return
    this.#saveVersion.run(this.#version)
  }

  versionSaved(): void {
    this.#savedVersion = this.#version
  }

  #versionOf(collection: string, id: string): number | null {
    const row = this.#prepare(`SELECT version FROM ${tableName(collection)} WHERE id = ?`).get(id) as unknown as [number] | undefined
    return row?.[0] ?? null
  }

  #delete(collection: string, id: string): void {
    this.#prepare(`DELETE FROM ${tableName(collection)} WHERE id = ?`).run(id)
  }

  /** As many statements as there are declared queries and their forms: a small, fixed number. */
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      statement.setReturnArrays(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
