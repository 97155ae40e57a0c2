/** Ends the chains of writers that vanished: their open changes become `unknown`, and the log says how far each had come. */
import type { Clock } from '@lockkeeper/domain'
import type { RecordEntry } from '@lockkeeper/domain/records'
import type { Log } from '@lockkeeper/service-kit'
import { decodeRecord, parseHeader, recordId, WRITER_LOST } from '@lockkeeper/transparency-log'
import type { LogFold } from './fold.ts'
import type { WriterEntry } from './log-book.ts'
import type { LogReader } from './log-reader.ts'
import type { OwnWriter } from './own-writer.ts'
import { lostAfterMs, type AuditSettings } from './settings.ts'

type Intent = RecordEntry & { readonly kind: 'intent', readonly id: string }

/** Calls that one writer can have had open at once, with room to spare. */
const MOST_OPEN = 50_000

export interface LostWriterParts {
  readonly fold: LogFold
  readonly reader: LogReader
  readonly writer: OwnWriter
  readonly clock: Clock
  readonly log: Log
  readonly settings: AuditSettings
}

export class LostWriters {
  readonly #parts: LostWriterParts
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(parts: LostWriterParts) {
    this.#parts = parts
  }

  start(): void {
    this.#startedAt = this.#parts.clock.monotonic()
    this.#timer = setInterval(() => { void this.check() }, this.#parts.settings.lostCheckMs).unref()
  }

  /** Never rejects: what could not be written now is found again by the next look. */
  check(): Promise<void> {
    this.#running ??= this.#check()
      .catch((error: unknown) => this.#parts.log.error({ error: String(error) }, 'vanished writers could not be recorded'))
      .finally(() => { this.#running = undefined })
    return this.#running
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  async #check(): Promise<void> {
    const book = await this.#parts.fold.book()
    for (const entry of [...book.writers.values()]) if (await this.#isLost(entry)) await this.#end(entry)
  }

  async #isLost({ state, lostAfter }: WriterEntry): Promise<boolean> {
    const { settings, clock, fold, writer } = this.#parts
    if (state.closed || lostAfter === state.lastSeq) return false
    if (settings.singleProcess && state.bootId === settings.bootId) return false
    const heard = fold.heardAt(state.writer) ?? this.#startedAt
    return clock.monotonic() - heard >= lostAfterMs(settings) && !await writer.isOwn(state.writer)
  }

  /** The notice stands after the outcomes, so that a stop in between is made good by the next look. */
  async #end(entry: WriterEntry): Promise<void> {
    const { clock, log, settings: { mode, isolation } } = this.#parts
    const own = await this.#parts.writer.get()
    const { writer, lastSeq, service } = entry.state
    const open = await this.#openChanges(entry)
    for (const intent of open) own.append({ ...unknownOutcome(intent), at: clock.now(), mode, isolation })
    const text = `Writer ${writer} of ${service} vanished after record ${recordId(writer, lastSeq)}; ${open.length} changes that it had begun are unknown.`
    await own.append({ kind: 'event', name: WRITER_LOST, at: clock.now(), mode, isolation, origin: 'gateway', text, facts: { writer, lastSeq: String(lastSeq), service } }).durable()
    log.warn({ writer, lastSeq, unknown: open.length }, 'a writer of records vanished')
  }

  async #openChanges({ state, firstSegment, lastSegment }: WriterEntry): Promise<readonly Intent[]> {
    const open = new Map<string, string>()
    for await (const segment of this.#parts.reader.segments(firstSegment, lastSegment)) {
      for (const { header, lines } of segment.batches) {
        if (parseHeader(header)?.header.writer !== state.writer) continue
        for (const line of lines) noteOpen(open, line)
      }
    }
    return [...open.values()].map((line) => decodeRecord(line) as Intent)
  }
}

function noteOpen(open: Map<string, string>, line: string): void {
  const record = decodeRecord(line)
  if (record.kind === 'outcome' && record.intent !== undefined) open.delete(record.intent)
  if (record.kind !== 'intent' || record.change !== true) return
  if (open.size >= MOST_OPEN) throw new Error('a writer has more open changes than calls can be open')
  open.set(record.id, line)
}

function unknownOutcome(intent: Intent): RecordEntry & { readonly kind: 'outcome' } {
  const { id, ...facts } = intent
  return {
    ...facts, kind: 'outcome', intent: id, origin: intent.origin, result: 'unknown', status: 0, reason: 'OUTCOME_UNKNOWN',
    detail: 'The gateway instance stopped after it had recorded the intent. The change may or may not have happened.',
    requestBytes: 0, responseBytes: 0, durationMs: 0,
  }
}
