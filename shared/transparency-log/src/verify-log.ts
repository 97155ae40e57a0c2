/**
 * The offline verifier (invariant 8): public keys and the log's own bytes, nothing else. It finds whatever was changed,
 * dropped, repeated, moved or cut off, names the place, and goes on. What it cannot know by itself is that the end of the log
 * and every checkpoint over it were removed together: give it a checkpoint that was kept elsewhere for that.
 */
import { parseHeader, type BatchHeader } from './batch.ts'
import { CheckpointCheck } from './checkpoint-check.ts'
import { ProblemList, type LogProblem, type LogReport } from './log-report.ts'
import { CompactRange } from './merkle.ts'
import { batchLeaf, parseSegment, segmentHash, segmentHeadText, type SegmentBatch } from './segment.ts'
import type { TrustedKeys } from './signatures.ts'
import { WriterBook } from './writer-book.ts'

export interface LogSource {
  /** In order. */
  segments(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Signed notes, ascending by size. */
  checkpoints(): AsyncIterable<string> | Iterable<string>
  readonly trustedKeys: TrustedKeys
  /** Name of the log. Undefined: as the first checkpoint says. */
  readonly origin?: string
  /** Checkpoints kept elsewhere, ascending by size: the log must still contain them. */
  readonly remembered?: readonly string[]
}

/** Reads the log once, one segment in memory at a time. Rejects only as the source does. */
export async function verifyLog(source: LogSource): Promise<LogReport> {
  return new Verification(source).run()
}

class Verification {
  readonly #source: LogSource
  readonly #problems = new ProblemList()
  readonly #tree = new CompactRange()
  readonly #writers: WriterBook
  readonly #checks: readonly CheckpointCheck[]
  #segments = 0
  #prevSegment = ''

  constructor(source: LogSource) {
    this.#source = source
    const { origin, remembered = [] } = source
    const of = (checkpoints: AsyncIterable<string> | Iterable<string>): CheckpointCheck =>
      new CheckpointCheck({ checkpoints, trusted: source.trustedKeys.log, ...(origin === undefined ? {} : { origin }) }, this.#problems)
    this.#checks = [of(source.checkpoints()), of(remembered)]
    this.#writers = new WriterBook(source.trustedKeys.writers)
  }

  async run(): Promise<LogReport> {
    await this.#compare()
    for await (const bytes of this.#source.segments()) await this.#segment(bytes)
    for (const check of this.#checks) await check.finish(this.#tree.size)
    for (const problem of this.#writers.unsettled()) this.#problems.add(problem)
    return this.#report()
  }

  async #segment(bytes: Uint8Array): Promise<void> {
    this.#segments++
    const parsed = parseSegment(bytes)
    if (parsed === undefined) {
      this.#add({ kind: 'segment-damaged', message: `Segment ${this.#segments} is not UTF-8 text.` })
    } else {
      const expected = segmentHeadText({ segment: this.#segments, firstBatch: this.#tree.size, prevSegment: this.#prevSegment })
      if (parsed.head !== expected) this.#add({ kind: 'segment-misplaced', line: 1, message: `Another segment stands where number ${this.#segments} belongs: ${parsed.head.slice(0, 120)}` })
      if (!parsed.complete || parsed.batches.length === 0) this.#add({ kind: 'segment-damaged', message: `Segment ${this.#segments} is cut off.` })
      for (const line of parsed.strayLines.slice(0, 10)) this.#add({ kind: 'segment-damaged', line, message: `Line ${line} of segment ${this.#segments} belongs to no batch.` })
      for (const batch of parsed.batches) await this.#batch(batch)
    }
    this.#prevSegment = segmentHash(bytes)
  }

  async #batch(batch: SegmentBatch): Promise<void> {
    const sealed = parseHeader(batch.header)
    if (sealed === undefined || sealed.header.lastSeq < sealed.header.firstSeq) {
      this.#add({ kind: 'header-damaged', line: batch.line, batch: this.#tree.size, message: `Line ${batch.line} of segment ${this.#segments} is not the header of a batch.` })
    } else {
      const fault = this.#writers.follow(sealed, batch.lines)
      if (fault !== undefined) this.#add({ kind: fault.kind, ...placeOf(batch, sealed.header, fault), batch: this.#tree.size, message: fault.message })
    }
    this.#tree.append(batchLeaf(batch.header))
    await this.#compare()
  }

  async #compare(): Promise<void> {
    for (const check of this.#checks) await check.compare(this.#tree, this.#segments)
  }

  #add(problem: LogProblem): void {
    this.#problems.add({ segment: this.#segments, ...problem })
  }

  #report(): LogReport {
    const [own] = this.#checks as [CheckpointCheck]
    const { problems, further } = this.#problems
    return {
      ok: problems.length === 0, problems, furtherProblems: further,
      segments: this.#segments, batches: this.#tree.size, records: this.#writers.records, checkpoints: own.count,
      root: this.#tree.root().toString('base64'), uncovered: this.#tree.size - own.covered,
      ...(own.lastAt === undefined ? {} : { checkedAt: own.lastAt }),
      writers: this.#writers.report(),
    }
  }
}

function placeOf(batch: SegmentBatch, header: BatchHeader, fault: { readonly seq?: number, readonly index?: number }): Pick<LogProblem, 'line' | 'writer' | 'seq'> {
  const line = fault.index === undefined ? batch.line : batch.line + 1 + fault.index
  return { line, writer: header.writer, ...(fault.seq === undefined ? {} : { seq: fault.seq }) }
}
