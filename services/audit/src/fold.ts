/**
 * Folds the writers' batches into one log (invariant 8): each is checked against its writer's chain, waits a little to share a
 * segment, and is acknowledged once that segment is durable. State moves only with durable segments; after a failure it is
 * read again from the log, and the bus brings what was not acknowledged.
 */
import type { Clock } from '@lockkeeper/domain'
import { PortUnavailable, type BlobStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { batchText, followChain, joinSegment, type RecordBatch, type SealedHeader, type TrustedKeys, type WriterState } from '@lockkeeper/transparency-log'
import type { FoldLag } from './fold-lag.ts'
import { Gaps } from './gaps.ts'
import { replay, WRITER_MEMORY_MS, type LogBook } from './log-book.ts'
import { bodiesKey, formatBodies, segmentKey, type LogReader } from './log-reader.ts'
import { loadState, saveState } from './saved-state.ts'
import type { AuditSettings } from './settings.ts'

export interface FoldParts {
  readonly blobs: BlobStore
  readonly reader: LogReader
  readonly clock: Clock
  readonly log: Log
  readonly trustedKeys: TrustedKeys
  readonly settings: AuditSettings
  readonly lag: FoldLag
  /** A segment has become durable. */
  readonly onSegment: (book: LogBook) => void
  /** Signs the log's state: a saved state is believed only beside a checkpoint. */
  readonly checkpoint: (book: LogBook) => Promise<unknown>
}

interface Pending {
  /** Its lines are kept as bytes alone, but for those of the service itself. */
  readonly batch: RecordBatch
  readonly text: Buffer
  readonly state: WriterState
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const NO_LINES: readonly string[] = []

export class LogFold {
  readonly #parts: FoldParts
  readonly #gaps: Gaps
  #book: Promise<LogBook> | undefined
  /** Writers' states after batches that are not durable yet. */
  readonly #ahead = new Map<string, WriterState>()
  /** Monotonic ms at which each writer was last heard of by this process. */
  readonly #heard = new Map<string, number>()
  #pending: Pending[] = []
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #urgent = 0

  constructor(parts: FoldParts) {
    this.#parts = parts
    const { gapWaitMs, gapHoldMs = gapWaitMs } = parts.settings
    this.#gaps = new Gaps({ waitMs: gapWaitMs, holdMs: gapHoldMs })
  }

  /** The log as far as it is durable. Rejects with PortUnavailable when it cannot be read or is damaged. */
  book(): Promise<LogBook> {
    this.#book ??= this.#open()
    return this.#book
  }

  heardAt(writer: string): number | undefined {
    return this.#heard.get(writer)
  }

  /** Resolves when the batch stands in the log, also when it stood there before. Rejects when it must come again or never may. `onLate`: it waits for one that does not come soon. */
  async accept(batch: RecordBatch, sealed: SealedHeader, onLate = (): void => undefined): Promise<void> {
    for (let book = await this.book(); ; book = await this.book()) {
      const known = this.#ahead.get(batch.writer) ?? book.writers.get(batch.writer)?.state
      if (batch.lines.length === 0) return this.#heartbeat(known, sealed)
      if (known !== undefined && batch.firstSeq > known.lastSeq + 1 || known === undefined && batch.firstSeq > 1) {
        await this.#gaps.wait(batch, known?.lastSeq ?? 0, onLate)
        continue
      }
      if (known !== undefined && batch.lastSeq <= known.lastSeq) return this.#repeated(known, sealed)
      return this.#take(known, batch, sealed)
    }
  }

  /** Until the returned function is called, batches are written without waiting for company. */
  hurry(): () => void {
    this.#urgent++
    this.#schedule()
    return () => { this.#urgent-- }
  }

  /** From now on batches that wait for another one go back to the bus as soon as that is late. */
  stopHolding(): void {
    this.#gaps.stop()
  }

  /** Writes what is pending. Rejects as the store does. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#pending.length > 0) await (this.#writing ?? this.#write())
  }

  /** Takes nothing more; writes what is pending, a last checkpoint and the state. Rejects as the store does. */
  async close(): Promise<void> {
    const slow = this.hurry()
    await this.flush()
    slow()
    clearTimeout(this.#timer)
    const book = await this.book()
    await this.#parts.checkpoint(book)
    await this.#save(book)
  }

  async #open(): Promise<LogBook> {
    const { blobs, reader, trustedKeys, log, settings, onSegment } = this.#parts
    try {
      const book = await loadState(blobs, reader, trustedKeys.log, settings.rememberedFacts)
      await replay(book, reader, trustedKeys.writers)
      // A segment may have become durable although its writing seemed to fail, or a stop may have come before its checkpoint.
      if (book.nextSegment > 1) onSegment(book)
      return book
    } catch (error) {
      this.#book = undefined
      log.error({ error: String(error) }, 'the audit log cannot be opened')
      throw new PortUnavailable('the audit log cannot be opened', { cause: error })
    }
  }

  #take(known: WriterState | undefined, batch: RecordBatch, sealed: SealedHeader): Promise<void> {
    const { clock, lag, trustedKeys } = this.#parts
    if (known === undefined && sealed.header.at < clock.now() - WRITER_MEMORY_MS) throw new Error(`batch ${batch.writer}/${batch.firstSeq} is older than writers are remembered`)
    const step = followChain(known, sealed, batch.lines, trustedKeys.writers)
    if (step.fault !== undefined) throw new Error(`batch ${batch.writer}/${batch.firstSeq} is refused: ${step.fault.message}`)
    this.#heard.set(batch.writer, clock.monotonic())
    lag.heard()
    this.#ahead.set(batch.writer, step.state)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const kept = step.state.service === 'audit' ? batch : { ...batch, lines: NO_LINES }
    const text = batchText(batch)
    const pending: Pending = { batch: kept, text, state: step.state, resolve, reject }
    this.#pending.push(pending)
    lag.taken(pending, sealed.header.at)
    this.#pendingBytes += text.length + batch.bodies.reduce((sum, { bytes }) => sum + bytes.length, 0)
    this.#gaps.arrived(batch)
    this.#schedule()
    return promise
  }

  /** Says that a writer lives; it is worth nothing when it is late, early or forged, and is never brought again. */
  #heartbeat(known: WriterState | undefined, sealed: SealedHeader): void {
    const { clock, lag, trustedKeys } = this.#parts
    if (followChain(known, sealed, [], trustedKeys.writers).fault !== undefined) return
    this.#heard.set(sealed.header.writer, clock.monotonic())
    lag.heard()
  }

  /** Acknowledged again, once the first is durable. The same place with another content is a forgery by the writer itself. */
  async #repeated(known: WriterState, { header }: SealedHeader): Promise<void> {
    if (header.lastSeq === known.lastSeq && header.lastHash !== known.lastHash) throw new Error(`batch ${header.writer}/${header.firstSeq} differs from the one in the log`)
    const pending = this.#pending.find(({ batch }) => batch.writer === header.writer && batch.lastSeq >= header.lastSeq)
    if (pending !== undefined || this.#writing !== undefined) await this.flush()
    const durable = (await this.book()).writers.get(header.writer)?.state.lastSeq ?? 0
    if (durable < header.lastSeq) throw new PortUnavailable('the batch is not durable yet')
  }

  #schedule(): void {
    if (this.#writing !== undefined || this.#pending.length === 0) return
    const { segmentBytes, concurrency, foldEveryMs } = this.#parts.settings
    const full = this.#pendingBytes >= segmentBytes || this.#pending.length >= concurrency / 2
    if (full || this.#urgent > 0) void this.#write().catch(this.#reported)
    else this.#timer ??= setTimeout(() => { void this.#write().catch(this.#reported) }, foldEveryMs)
  }

  /** The batches' own promises carry the failure to whoever waits for them. */
  readonly #reported = (error: unknown): void => {
    this.#parts.log.error({ error: String(error), cause: String((error as Error).cause ?? '') }, 'a segment of the audit log could not be written')
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const pending = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    this.#writing = this.#writeSegment(pending).finally(() => {
      this.#writing = undefined
      this.#schedule()
    })
    return this.#writing
  }

  async #writeSegment(pending: readonly Pending[]): Promise<void> {
    try {
      const book = await this.book()
      const batches = pending.map(({ batch }) => batch)
      const bytes = joinSegment({ segment: book.nextSegment, firstBatch: book.tree.size, prevSegment: book.prevSegment }, pending.map(({ text }) => text))
      const bodies = formatBodies(batches.flatMap((batch) => batch.bodies))
      const { blobs } = this.#parts
      if (bodies !== undefined) await blobs.create(bodiesKey(book.nextSegment, bytes), bodies)
      await blobs.create(segmentKey(book.nextSegment), bytes)
      this.#committed(book, bytes, pending)
      await this.#saveSometimes(book)
    } catch (error) {
      throw this.#failed(pending, error)
    }
  }

  #committed(book: LogBook, bytes: Uint8Array, pending: readonly Pending[]): void {
    book.commit(bytes, pending.map(({ batch: { header, lines }, state }) => ({ header, lines, state })))
    for (const one of pending) {
      const { state, resolve } = one
      this.#parts.lag.durable(one)
      if (this.#ahead.get(state.writer) === state) this.#ahead.delete(state.writer)
      resolve()
    }
    this.#parts.onSegment(book)
  }

  /** What waits behind the failed segment goes back to the bus with it: its place in the log is no longer known. */
  #failed(pending: readonly Pending[], cause: unknown): PortUnavailable {
    const error = new PortUnavailable('a segment of the audit log could not be written', { cause })
    for (const one of [...pending, ...this.#pending]) {
      this.#parts.lag.givenBack(one)
      one.reject(error)
    }
    this.#pending = []
    this.#pendingBytes = 0
    this.#ahead.clear()
    this.#book = undefined
    return error
  }

  async #saveSometimes(book: LogBook): Promise<void> {
    if ((book.nextSegment - 1) % this.#parts.settings.stateEverySegments === 0) await this.#save(book)
  }

  async #save(book: LogBook): Promise<void> {
    const { blobs, reader, clock, log, settings, checkpoint } = this.#parts
    book.forgetEnded(clock.now())
    for (const writer of this.#heard.keys()) if (!book.writers.has(writer)) this.#heard.delete(writer)
    // Derived data: without it the next start reads more of the log.
    await checkpoint(book).then(() => saveState(book, blobs, reader, settings.removesOldStates)).catch((error: unknown) => log.warn({ error: String(error) }, 'the state of the audit log could not be saved'))
  }
}
