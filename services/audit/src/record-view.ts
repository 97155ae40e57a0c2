/** One record whole: with the intent or outcome that belongs to it and the bodies that both name. */
import { sha256 } from '@lockkeeper/domain/digest'
import type { RecordBody, RecordId } from '@lockkeeper/domain/records'
import { parseCallReference, parseRecordId, type StoredRecord } from '@lockkeeper/transparency-log'
import type { LogReader, StoredSegment } from './log-reader.ts'
import { recordsIn, type RecordSearch } from './record-search.ts'
import { bodyTerm, closesTerm, idTerm, referenceTerm } from './segment-index.ts'

/** Plain JSON. Neither `text` nor `base64`: the body was erased, or never kept. */
export interface ShownBody {
  readonly hash: string
  readonly contentType?: string
  /** Where the bytes are UTF-8. */
  readonly text?: string
  /** Where they are not. */
  readonly base64?: string
}

export interface RecordView {
  readonly record: StoredRecord
  /** What closes or corrects it (more than one outcome when an unknown one became known), or what it closes itself. */
  readonly partners: readonly StoredRecord[]
  readonly request?: ShownBody
  readonly response?: ShownBody
  /** Where it stands. */
  readonly segment: number
  readonly line: number
}

export interface LocatedRecord {
  readonly record: StoredRecord
  readonly text: string
  readonly line: number
  readonly in: StoredSegment
}

export class RecordViews {
  readonly #reader: LogReader
  readonly #search: RecordSearch

  constructor(reader: LogReader, search: RecordSearch) {
    this.#reader = reader
    this.#search = search
  }

  /** By its id, or by the name that its call has upstream. */
  async locate(id: RecordId): Promise<LocatedRecord | undefined> {
    if (parseCallReference(id) !== undefined) return this.#locateCall(id)
    if (parseRecordId(id) === undefined) return undefined
    const start = `{"id":"${id}",`
    for await (const segment of this.#search.segmentsWith([idTerm(id)])) {
      for (const found of recordsIn(segment)) if (found.text.startsWith(start)) return { record: found.record, text: found.text, line: found.line, in: segment }
    }
    return undefined
  }

  async #locateCall(reference: string): Promise<LocatedRecord | undefined> {
    for await (const segment of this.#search.segmentsWith([referenceTerm(reference)])) {
      for (const found of recordsIn(segment)) if (found.record.kind === 'outcome' && found.record.reference === reference) return { record: found.record, text: found.text, line: found.line, in: segment }
    }
    return undefined
  }

  /** Undefined: there is no such record. */
  async show(id: RecordId): Promise<RecordView | undefined> {
    const found = await this.locate(id)
    if (found === undefined) return undefined
    const { record } = found
    const partners = await this.#partners(found)
    const hashes = bodyHashes([record, ...partners])
    return {
      record, partners, segment: found.in.number, line: found.line,
      ...(hashes.request === undefined ? {} : { request: await this.body(hashes.request) }),
      ...(hashes.response === undefined ? {} : { response: await this.body(hashes.response) }),
    }
  }

  /** A body by its hash, checked against it. */
  async body(hash: string): Promise<ShownBody> {
    for await (const segment of this.#search.segmentsWith([bodyTerm(hash)])) {
      const body = (await this.#reader.bodies(segment)).find((one: RecordBody) => one.hash === hash && sha256(one.bytes) === hash)
      if (body !== undefined) return shownBody(body)
    }
    return { hash }
  }

  async #partners({ record, in: segment }: LocatedRecord): Promise<readonly StoredRecord[]> {
    if (record.kind === 'outcome' && record.intent !== undefined) {
      const intent = await this.locate(record.intent)
      return intent === undefined ? [] : [intent.record]
    }
    if (record.kind === 'event') return []
    const outcomes: StoredRecord[] = []
    for await (const one of this.#search.segmentsWith([closesTerm(record.id)], segment.number)) {
      for (const found of recordsIn(one)) if (found.record.kind === 'outcome' && found.record.intent === record.id) outcomes.push(found.record)
    }
    return outcomes
  }
}

function shownBody({ hash, contentType, bytes: given }: RecordBody): ShownBody {
  const bytes = Buffer.from(given)
  const text = bytes.toString()
  return { hash, contentType, ...(Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }) }
}

export function bodyHashes(records: readonly StoredRecord[]): { readonly request: string | undefined, readonly response: string | undefined } {
  const request = records.find((one) => one.kind !== 'event' && one.requestBody !== undefined) as { readonly requestBody?: string } | undefined
  const response = records.find((one) => one.kind === 'outcome' && one.responseBody !== undefined) as { readonly responseBody?: string } | undefined
  return { request: request?.requestBody, response: response?.responseBody }
}
