/** What can be asked of the log. Every answer holds all that was published before the question. */
import type { BlobStore } from '@lockkeeper/domain/ports'
import type { RecordId } from '@lockkeeper/domain/records'
import { verifyLog, type LogReport, type RecordProof, type StoredRecord, type TrustedKeys } from '@lockkeeper/transparency-log'
import { exportLog, type ExportedLog } from './log-export.ts'
import type { LogReader } from './log-reader.ts'
import type { Pulse } from './pulse.ts'
import type { RecordFilter } from './record-filter.ts'
import { proveRecord } from './record-prover.ts'
import type { RecordPage, RecordSearch } from './record-search.ts'
import { RecordViews, type RecordView } from './record-view.ts'
import type { SegmentIndex } from './segment-index.ts'
import { readSession, type Session, type SessionOptions } from './session.ts'
import { tail, type TailOptions } from './tail.ts'

export interface QueryParts {
  readonly blobs: BlobStore
  readonly reader: LogReader
  readonly growth: Pulse
  readonly index: SegmentIndex
  readonly search: RecordSearch
  readonly trustedKeys: TrustedKeys
  readonly origin: string
  /** Folds and checkpoints everything published so far; resolves with the number of batches that the newest checkpoint covers. */
  readonly settle: () => Promise<number>
}

export class AuditQueries {
  readonly #parts: QueryParts
  readonly #index: SegmentIndex
  readonly #search: RecordSearch
  readonly #views: RecordViews

  constructor(parts: QueryParts) {
    this.#parts = parts
    this.#index = parts.index
    this.#search = parts.search
    this.#views = new RecordViews(parts.reader, this.#search)
  }

  /** Oldest first; ends by itself unless it follows. */
  async * tail(options: TailOptions = {}): AsyncGenerator<StoredRecord> {
    await this.#ready()
    yield* tail({ search: this.#search, index: this.#index, growth: this.#parts.growth }, options)
  }

  /** Undefined: there is no such record. */
  async show(id: RecordId): Promise<RecordView | undefined> {
    await this.#ready()
    return this.#views.show(id)
  }

  /** A run that nobody used has no steps. */
  async session(run: string, options: SessionOptions = {}): Promise<Session> {
    await this.#ready()
    return readSession(run, options, this.#search, this.#views)
  }

  /** Newest first, 1 to 1,000 (default 100) a page. Undefined: the cursor is none of ours. */
  async search(filter: RecordFilter, page: { readonly limit?: number, readonly cursor?: string } = {}): Promise<RecordPage | undefined> {
    const { limit = 100, cursor } = page
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw new TypeError('a page has 1 to 1,000 records')
    await this.#ready()
    return this.#search.page(filter, limit, cursor)
  }

  /** Checks the whole log as the offline verifier does. `remembered`: checkpoints kept elsewhere, ascending by size. */
  async verify(options: { readonly remembered?: readonly string[] } = {}): Promise<LogReport> {
    await this.#parts.settle()
    const { reader, trustedKeys, origin } = this.#parts
    return verifyLog({ segments: () => reader.segmentBytes(), checkpoints: () => reader.checkpoints(), trustedKeys, origin, ...options })
  }

  /** Undefined: there is no such record. */
  async prove(id: RecordId): Promise<RecordProof | undefined> {
    await this.#ready()
    const found = await this.#views.locate(id)
    return found === undefined ? undefined : proveRecord(found, await this.#parts.settle(), this.#parts.reader)
  }

  /** The newest checkpoint, worth keeping somewhere else. Undefined: the log is empty. */
  async checkpoint(): Promise<string | undefined> {
    return this.#parts.reader.checkpoint(await this.#parts.settle())
  }

  /** Into an empty directory; LockkeeperError REQUEST_INVALID for any other. */
  async exportLog(directory: string): Promise<ExportedLog> {
    await this.#parts.settle()
    return exportLog(directory, this.#parts.blobs, this.#parts.reader, this.#parts.trustedKeys)
  }

  async #ready(): Promise<void> {
    await this.#parts.settle()
    await this.#index.catchUp()
  }
}
