/**
 * Group commit: everything that waits goes into one BEGIN IMMEDIATE … COMMIT, so that hundreds of publishes cost one
 * fsync. Each operation has its own savepoint: one that fails takes only itself back.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Answer, CommitReply, Envelope, Operation, OperationOf, WorkerSettings } from '../protocol.ts'
import { PAGE_BYTES } from './connection.ts'
import { BacklogFull, DeliveryQueue } from './delivery-queue.ts'
import { DocumentTables } from './document-tables.ts'

/** Bounds the time that the first of a group waits for the last. */
const GROUP_OPERATIONS = 2000
const SQLITE_FULL = 13
/** Pages of the write-ahead log, about, after which it is moved into the file. */
const LOG_PAGES = 1000

type ReadOperation = OperationOf<'read' | 'rows' | 'deadLetters'>

export class CommitGroups {
  readonly #db: DatabaseSync
  readonly #documents: DocumentTables
  readonly #queue: DeliveryQueue
  #group = 0
  /** Pages written since the log was moved last, about. */
  #logPages = 0

  constructor(db: DatabaseSync, settings: WorkerSettings) {
    this.#db = db
    this.#documents = new DocumentTables(db, settings.collections)
    this.#queue = new DeliveryQueue(db, settings.maxBacklog)
  }

  /** Number of the last group; each is larger than the one before. */
  get group(): number {
    return this.#group
  }

  /** Reads first: they see what was committed before and do not wait for this group's fsync. */
  run(batch: readonly Envelope[], post: (answers: readonly Answer[], group: number) => void): void {
    const reads = batch.filter(({ op }) => isRead(op))
    if (reads.length > 0) post(reads.map(envelope => this.#read(envelope)), this.#group)
    const writes = batch.filter(({ op }) => !isRead(op))
    for (let start = 0; start < writes.length; start += GROUP_OPERATIONS) {
      const answers = this.#commit(writes.slice(start, start + GROUP_OPERATIONS))
      post(answers, this.#group)
    }
  }

  /** Moves the write-ahead log into the file when it is long. Called when everybody has their answer: inside a commit someone would wait for it. */
  tidy(): void {
    if (this.#logPages < LOG_PAGES) return
    this.#logPages = 0
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // A full disk, say: everything is in the log, which goes on growing until the next attempt, and a commit that fails says so.
    }
  }

  #read({ id, op }: Envelope): Answer {
    try {
      return { id, value: this.#answerRead(op as ReadOperation) }
    } catch (error) {
      return { id, failed: text(error) }
    }
  }

  #answerRead(op: ReadOperation): unknown {
    if (op.kind === 'read') return this.#documents.read(op.keys)
    if (op.kind === 'rows') return this.#documents.rows(op.sql, op.params)
    return this.#queue.deadLetters(op.limit)
  }

  #commit(group: readonly Envelope[]): Answer[] {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const answers = group.map(envelope => this.#apply(envelope))
      this.#documents.saveVersion()
      this.#db.exec('COMMIT')
      this.#documents.versionSaved()
      this.#group += 1
      this.#logPages += group.reduce((pages, { op }) => pages + pagesOf(op), 2)
      return answers
    } catch (error) {
      this.#rollback()
      // What frees room (acknowledgements, deletes) must not fail together with what finds none.
      if (isFull(error) && group.length > 1) return group.flatMap(envelope => this.#commit([envelope]))
      return group.map(({ id }) => ({ id, failed: text(error) }))
    }
  }

  #rollback(): void {
    // A full disk or an I/O error may have rolled back already.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    this.#queue.reload()
  }

  #apply({ id, op }: Envelope): Answer {
    const backlog = this.#queue.backlog
    this.#db.exec('SAVEPOINT one')
    try {
      const value = this.#write(op)
      this.#db.exec('RELEASE one')
      return { id, value }
    } catch (error) {
      if (!(error instanceof BacklogFull)) throw error
      this.#db.exec('ROLLBACK TO one; RELEASE one')
      this.#queue.backlog = backlog
      return { id, failed: error.message }
    }
  }

  #write(op: Operation): unknown {
    switch (op.kind) {
      case 'commit': return this.#commitOne(op)
      case 'register': return this.#queue.register(op)
      case 'pull': return this.#queue.pull(op)
      case 'ack': this.#queue.ack(op.seq); return null
      case 'retry': this.#queue.retry(op); return null
      case 'bury': this.#queue.bury(op); return null
      case 'redrive': return this.#queue.redrive(op.seq, op.now)
      case 'sweep': return this.#documents.sweep(op.now, op.limit)
      default: throw new TypeError(`the operation ${op.kind} writes nothing`)
    }
  }

  #commitOne(op: OperationOf<'commit'>): CommitReply {
    const conflicts = this.#documents.conflicts(op)
    if (conflicts.length > 0) return { ok: false, conflicts }
    const firstVersion = this.#documents.write(op)
    return { ok: true, firstVersion, leased: op.facts.map(fact => this.#queue.publish(fact, op.now)) }
  }
}

function isRead(op: Operation): op is ReadOperation {
  return op.kind === 'read' || op.kind === 'rows' || op.kind === 'deadLetters'
}

/** Rows, index and overflow pages that an operation touches, about. */
function pagesOf(op: Operation): number {
  if (op.kind !== 'commit') return 2
  let characters = 0
  for (const [, , , json] of op.writes) characters += json.length
  for (const { json } of op.facts) characters += json.length
  return 2 + op.writes.length + op.facts.length + characters / PAGE_BYTES
}

function isFull(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_FULL
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
