/** What must be known to go on with the log: the tree over it, its last segment, and how far each writer has come. */
import { batchLeaf, CompactRange, decodeRecord, followChain, parseHeader, segmentHash, WRITER_LOST, type RecordBatch, type StoredRecord, type TrustedKey, type WriterState } from '@lockkeeper/transparency-log'
import type { LogReader, StoredSegment } from './log-reader.ts'
import type { RememberedFacts } from './remembered-facts.ts'

export interface WriterEntry {
  readonly state: WriterState
  readonly firstSegment: number
  readonly lastSegment: number
  /** The log says that the writer vanished after this record. */
  readonly lostAfter?: number
}

/** A batch and what is known of its writer after it. */
export interface FoldedBatch extends Pick<RecordBatch, 'header' | 'lines'> {
  readonly state: WriterState
}

/** A writer that ended this long ago is forgotten, and a batch this old of an unknown writer is refused. */
export const WRITER_MEMORY_MS = 31 * 24 * 60 * 60 * 1000

export class LogBook {
  tree = new CompactRange()
  nextSegment = 1
  prevSegment = ''
  readonly writers = new Map<string, WriterEntry>()
  readonly facts: RememberedFacts

  constructor(facts: RememberedFacts) {
    this.facts = facts
  }

  /** The next segment is durable. */
  commit(bytes: Uint8Array, folded: readonly FoldedBatch[]): void {
    const at = this.nextSegment
    for (const { state, header, lines } of folded) {
      this.tree.append(batchLeaf(header))
      this.writers.set(state.writer, { firstSegment: at, ...this.writers.get(state.writer), lastSegment: at, state })
      if (state.service === 'audit') for (const line of lines) this.#noteOwn(decodeRecord(line))
    }
    this.prevSegment = segmentHash(bytes)
    this.nextSegment++
  }

  forgetEnded(now: number): void {
    for (const [writer, { state, lostAfter }] of this.writers) {
      const ended = state.closed || lostAfter === state.lastSeq
      if (ended && state.lastAt < now - WRITER_MEMORY_MS) this.writers.delete(writer)
    }
  }

  #noteOwn(record: StoredRecord): void {
    this.facts.note(record)
    if (record.kind !== 'event' || record.name !== WRITER_LOST) return
    const lost = this.writers.get(record.facts?.['writer'] ?? '')
    if (lost !== undefined) this.writers.set(lost.state.writer, { ...lost, lostAfter: Number(record.facts?.['lastSeq']) })
  }
}

/** Goes on from a saved state to the log's end. Throws an Error that names the place where the log is damaged: nothing is added to such a log. */
export async function replay(book: LogBook, reader: LogReader, trusted: readonly TrustedKey[]): Promise<void> {
  for await (const segment of reader.segments(book.nextSegment)) replaySegment(book, segment, trusted)
}

function replaySegment(book: LogBook, segment: StoredSegment, trusted: readonly TrustedKey[]): void {
  if (!segment.complete || segment.strayLines.length > 0 || !segment.head.endsWith(`"prevSegment":"${book.prevSegment}"}`)) throw damaged(segment.number, 1, 'it does not follow the one before')
  const folded: FoldedBatch[] = []
  const ahead = new Map<string, WriterState>()
  for (const { header, lines, line } of segment.batches) {
    const sealed = parseHeader(header)
    if (sealed === undefined) throw damaged(segment.number, line, 'a header is damaged')
    const { writer } = sealed.header
    const step = followChain(ahead.get(writer) ?? book.writers.get(writer)?.state, sealed, lines, trusted)
    if (step.fault !== undefined) throw damaged(segment.number, line, step.fault.message)
    ahead.set(writer, step.state)
    folded.push({ header, lines, state: step.state })
  }
  book.commit(segment.bytes, folded)
}

function damaged(segment: number, line: number, why: string): Error {
  return new Error(`the audit log is damaged in segment ${segment}, line ${line}: ${why}`)
}
