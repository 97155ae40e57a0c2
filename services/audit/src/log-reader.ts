/** Where the log lies in the BlobStore, and how it is read: by number, one segment in memory at a time. */
import { hash } from 'node:crypto'
import type { BlobStore } from '@lockkeeper/domain/ports'
import type { RecordBody } from '@lockkeeper/domain/records'
import { parseSegment, type ParsedSegment } from '@lockkeeper/transparency-log'

export const LOG_PREFIXES = { segments: 'log/segments/', bodies: 'log/bodies/', checkpoints: 'log/checkpoints/', states: 'log/state/' } as const

const PAGE = 1_000

export const padded = (value: number): string => String(value).padStart(10, '0')
export const segmentKey = (segment: number): string => LOG_PREFIXES.segments + padded(segment)
export const checkpointKey = (size: number): string => LOG_PREFIXES.checkpoints + padded(size)

/** Made from the segment's bytes, so that an unfinished attempt leaves nothing in the way. */
export function bodiesKey(segment: number, bytes: Uint8Array): string {
  return `${LOG_PREFIXES.bodies}${padded(segment)}-${hash('sha256', bytes, 'hex').slice(0, 16)}`
}

export interface StoredSegment extends ParsedSegment {
  readonly number: number
  readonly bytes: Uint8Array
}

export class LogReader {
  readonly #blobs: BlobStore

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Undefined: the log ends before it. Throws an Error for a segment that is no text. */
  async segment(number: number): Promise<StoredSegment | undefined> {
    const bytes = await this.#blobs.read(segmentKey(number))
    if (bytes === undefined) return undefined
    const parsed = parseSegment(bytes)
    if (parsed === undefined) throw new Error(`segment ${number} of the audit log is damaged: it is not UTF-8 text`)
    return { number, bytes, ...parsed }
  }

  /** From `first` on, to `last` or to the log's end. */
  async * segments(first = 1, last = Infinity): AsyncGenerator<StoredSegment> {
    for (let number = first; number <= last; number++) {
      const segment = await this.segment(number)
      if (segment === undefined) return
      yield segment
    }
  }

  async * segmentBytes(): AsyncGenerator<Uint8Array> {
    for (let number = 1; ; number++) {
      const bytes = await this.#blobs.read(segmentKey(number))
      if (bytes === undefined) return
      yield bytes
    }
  }

  /** Empty when the segment brought none, or when they were erased. */
  async bodies(segment: StoredSegment): Promise<readonly RecordBody[]> {
    const bytes = await this.#blobs.read(bodiesKey(segment.number, segment.bytes))
    return bytes === undefined ? [] : parseBodies(bytes)
  }

  async checkpoint(size: number): Promise<string | undefined> {
    const bytes = await this.#blobs.read(checkpointKey(size))
    return bytes === undefined ? undefined : Buffer.from(bytes).toString()
  }

  /** Ascending by size. */
  async * checkpoints(): AsyncGenerator<string> {
    for await (const key of this.keys(LOG_PREFIXES.checkpoints)) {
      const bytes = await this.#blobs.read(key)
      if (bytes !== undefined) yield Buffer.from(bytes).toString()
    }
  }

  async * keys(prefix: string): AsyncGenerator<string> {
    for (let after: string | undefined; ;) {
      const page = await this.#blobs.list(prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) })
      yield* page
      if (page.length < PAGE) return
      after = page.at(-1)
    }
  }
}

/** Undefined: there is none to keep. */
export function formatBodies(bodies: readonly RecordBody[]): Buffer | undefined {
  if (bodies.length === 0) return undefined
  const lines = bodies.map(({ hash: name, contentType, bytes }) => JSON.stringify({ hash: name, contentType, bytes: Buffer.from(bytes).toString('base64') }))
  return Buffer.from(`${lines.join('\n')}\n`)
}

function parseBodies(bytes: Uint8Array): readonly RecordBody[] {
  return Buffer.from(bytes).toString().split('\n').filter((line) => line !== '').map((line) => {
    const body = JSON.parse(line) as { readonly hash: string, readonly contentType: string, readonly bytes: string }
    return { hash: body.hash, contentType: body.contentType, bytes: Buffer.from(body.bytes, 'base64') }
  })
}
