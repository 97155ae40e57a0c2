/**
 * Which segments may hold a word. Derived data, made when somebody asks by reading on from where it stopped, kept in bounded
 * memory: what no longer fits is forgotten oldest first, and those segments are simply read.
 */
import type { RecordBody } from '@lockkeeper/domain/records'
import { decodeRecord, parseCallReference, parseRecordId, type StoredRecord } from '@lockkeeper/transparency-log'
import type { LogReader, StoredSegment } from './log-reader.ts'
import { nameInRecord } from './remembered-facts.ts'
import { TermFilter } from './term-filter.ts'

interface SegmentSummary {
  readonly fromAt: number
  readonly toAt: number
  readonly filter: TermFilter | undefined
}

export interface Wanted {
  /** All of them. */
  readonly terms: readonly string[]
  readonly fromAt?: number
  readonly toAt?: number
}

/** Memory that a summary takes beside its filter, roughly. */
const SUMMARY_BYTES = 120

export class SegmentIndex {
  readonly #reader: LogReader
  readonly #mostBytes: number
  readonly #summaries: SegmentSummary[] = []
  /** Segments before this number have no filter any more. */
  #keptFrom = 1
  #bytes = 0
  #running: Promise<void> | undefined

  constructor(reader: LogReader, mostBytes: number) {
    this.#reader = reader
    this.#mostBytes = mostBytes
  }

  /** The last segment that is indexed. */
  get last(): number { return this.#summaries.length }

  /** Reads to the log's end. Callers share one reading. */
  catchUp(): Promise<void> {
    this.#running ??= this.#catchUp().finally(() => { this.#running = undefined })
    return this.#running
  }

  mayHold(segment: number, { terms, fromAt, toAt }: Wanted): boolean {
    const summary = this.#summaries[segment - 1]
    if (summary === undefined) return true
    if (fromAt !== undefined && summary.toAt < fromAt || toAt !== undefined && summary.fromAt > toAt) return false
    const { filter } = summary
    return filter === undefined || terms.every((term) => filter.mayHave(term))
  }

  async #catchUp(): Promise<void> {
    for await (const segment of this.#reader.segments(this.last + 1)) {
      const summary = summarise(segment, await this.#reader.bodies(segment))
      this.#summaries.push(summary)
      this.#bytes += SUMMARY_BYTES + (summary.filter?.bytes ?? 0)
      this.#forget()
    }
  }

  #forget(): void {
    while (this.#bytes > this.#mostBytes && this.#keptFrom <= this.#summaries.length) {
      const old = this.#summaries[this.#keptFrom - 1] as SegmentSummary
      this.#summaries[this.#keptFrom - 1] = { ...old, filter: undefined }
      this.#bytes -= old.filter?.bytes ?? 0
      this.#keptFrom++
    }
  }
}

function summarise(segment: StoredSegment, bodies: readonly RecordBody[]): SegmentSummary {
  const terms = new Set<string>()
  let [fromAt, toAt] = [Infinity, -Infinity]
  for (const batch of segment.batches) {
    for (const line of batch.lines) {
      const record = decodeRecord(line)
      for (const term of termsOf(record)) terms.add(term)
      fromAt = Math.min(fromAt, record.at)
      toAt = Math.max(toAt, record.at)
    }
  }
  for (const body of bodies) terms.add(bodyTerm(body.hash))
  return { fromAt, toAt, filter: new TermFilter(terms) }
}

export const bodyTerm = (hash: string): string => `body:${hash}`
export const factTerm = (name: string): string => `fact:${name}`
export const fieldTerm = (name: 'agent' | 'run' | 'method' | 'effect' | 'reason' | 'approval', value: string): string => `${name}:${value}`

/** A record's neighbourhood in its writer's chain: few words a segment instead of one for each record. */
export function idTerm(id: string): string {
  const place = parseRecordId(id)
  return place === undefined ? 'id:' : `id:${place.writer}:${Math.floor(place.seq / 256)}`
}

/** The same for a call's name upstream. */
export function referenceTerm(reference: string): string {
  const place = parseCallReference(reference)
  return place === undefined ? 'call:' : `call:${place.writer}:${Math.floor(place.count / 256)}`
}

/** The neighbourhood of the intent that an outcome closes. */
export const closesTerm = (intent: string): string => `closes:${idTerm(intent)}`

function * termsOf(record: StoredRecord): Generator<string> {
  yield idTerm(record.id)
  if (record.run !== undefined) yield fieldTerm('run', record.run)
  if (record.approval !== undefined) yield fieldTerm('approval', record.approval)
  if (record.kind === 'event') {
    const fact = nameInRecord(record)
    if (fact !== undefined) yield factTerm(fact)
    if (record.facts?.['agent'] !== undefined) yield fieldTerm('agent', record.facts['agent'])
    if (record.facts?.['method'] !== undefined) yield fieldTerm('method', record.facts['method'])
    return
  }
  if (record.agent !== undefined) yield fieldTerm('agent', record.agent)
  if (record.method !== undefined) yield fieldTerm('method', record.method)
  if (record.effect !== undefined) yield fieldTerm('effect', record.effect)
  if (record.kind !== 'outcome') return
  if (record.reason !== undefined) yield fieldTerm('reason', record.reason)
  if (record.intent !== undefined) yield closesTerm(record.intent)
  if (record.reference !== undefined) yield referenceTerm(record.reference)
}
