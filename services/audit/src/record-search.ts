/** Reads records out of the log: newest or oldest first, one segment in memory at a time, only segments that may hold what is wanted. */
import { decodeRecord, type StoredRecord } from '@lockkeeper/transparency-log'
import type { LogReader, StoredSegment } from './log-reader.ts'
import { fits, wantedOf, type RecordFilter } from './record-filter.ts'
import { nameInRecord } from './remembered-facts.ts'
import { factTerm, type SegmentIndex } from './segment-index.ts'

export interface FoundRecord {
  readonly record: StoredRecord
  readonly segment: number
  /** Line in the segment, from 1. */
  readonly line: number
}

export interface RecordPage {
  /** Newest first. */
  readonly records: readonly StoredRecord[]
  /** Give it to go on to older records. Absent: there are none. It can be there although this page is not full. */
  readonly cursor?: string
}

/** Segments that one page reads at most. */
const MOST_SEGMENTS = 2_000
const CURSOR = /^([1-9]\d{0,9})\.([1-9]\d{0,9})$/

export class RecordSearch {
  readonly #reader: LogReader
  readonly #index: SegmentIndex

  constructor(reader: LogReader, index: SegmentIndex) {
    this.#reader = reader
    this.#index = index
  }

  /** `limit`: 1 to 1,000. Undefined: the cursor is none of ours. */
  async page(filter: RecordFilter, limit: number, cursor?: string): Promise<RecordPage | undefined> {
    const start = cursor === undefined ? { segment: this.#index.last, line: Infinity } : parseCursor(cursor)
    if (start === undefined) return undefined
    const records: StoredRecord[] = []
    const wanted = wantedOf(filter)
    let read = 0
    for (let number = Math.min(start.segment, this.#index.last); number >= 1; number--) {
      if (!this.#index.mayHold(number, wanted)) continue
      if (read++ >= MOST_SEGMENTS) return { records, cursor: `${number + 1}.1` }
      const before = number === start.segment ? start.line : Infinity
      for (const found of await this.#matches(number, filter)) {
        if (found.line >= before) continue
        records.push(found.record)
        if (records.length === limit) return { records, cursor: `${number}.${found.line}` }
      }
    }
    return { records }
  }

  /** Oldest first, from a segment to another. */
  async * forward(filter: RecordFilter, from = 1, to = this.#index.last): AsyncGenerator<FoundRecord> {
    const wanted = wantedOf(filter)
    for (let number = from; number <= to; number++) {
      if (this.#index.mayHold(number, wanted)) yield* (await this.#matches(number, filter)).reverse()
    }
  }

  /** Whether the log tells of the event of that name (`factName`). */
  async holdsFact(name: string): Promise<boolean> {
    await this.#index.catchUp()
    for await (const segment of this.segmentsWith([factTerm(name)])) {
      for (const { record } of recordsIn(segment)) if (nameInRecord(record) === name) return true
    }
    return false
  }

  /** Segments that may hold all terms, oldest first. */
  async * segmentsWith(terms: readonly string[], from = 1): AsyncGenerator<StoredSegment> {
    for (let number = from; number <= this.#index.last; number++) {
      const segment = this.#index.mayHold(number, { terms }) ? await this.#reader.segment(number) : undefined
      if (segment !== undefined) yield segment
    }
  }

  /** Newest first. */
  async #matches(number: number, filter: RecordFilter): Promise<FoundRecord[]> {
    const segment = await this.#reader.segment(number)
    return segment === undefined ? [] : [...recordsIn(segment)].filter(({ record, text }) => fits(record, text, filter)).reverse()
  }
}

export function * recordsIn(segment: StoredSegment): Generator<FoundRecord & { readonly text: string }> {
  for (const batch of segment.batches) {
    for (const [index, text] of batch.lines.entries()) yield { record: decodeRecord(text), segment: segment.number, line: batch.line + 1 + index, text }
  }
}

function parseCursor(cursor: string): { readonly segment: number, readonly line: number } | undefined {
  const found = CURSOR.exec(cursor)
  return found === null ? undefined : { segment: Number(found[1]), line: Number(found[2]) }
}
