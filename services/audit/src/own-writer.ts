/** The service's own chain in its own log; begun only when there is something to say. */
import type { Clock } from '@lockkeeper/domain'
import type { Signer } from '@lockkeeper/domain/ports'
import { createRecordWriter, parseHeader, type ChainedWriter, type RecordBatch } from '@lockkeeper/transparency-log'
import type { LogFold } from './fold.ts'
import { noticedLines, type Notices } from './notices.ts'
import type { AuditSettings } from './settings.ts'

/** Longer than a writer of calls may take: nobody's call waits here, and a fold may wait for the store. */
const MAX_UNACKED_MS = 15_000

export interface OwnWriterParts { readonly fold: LogFold, readonly notices: Notices, readonly signer: Signer, readonly clock: Clock, readonly settings: AuditSettings }

export class OwnWriter {
  readonly #parts: OwnWriterParts
  #writer: Promise<ChainedWriter> | undefined

  constructor(parts: OwnWriterParts) {
    this.#parts = parts
  }

  async isOwn(writer: string): Promise<boolean> {
    return this.#writer !== undefined && (await this.#writer).writer === writer
  }

  /** Rejects as the signer does; the next call tries again. */
  get(): Promise<ChainedWriter> {
    this.#writer ??= this.#open().catch((error: unknown) => {
      this.#writer = undefined
      throw error
    })
    return this.#writer
  }

  async close(): Promise<void> {
    if (this.#writer === undefined) return
    await (await this.#writer).close()
  }

  #open(): Promise<ChainedWriter> {
    const { fold, notices, signer, clock, settings: { mode, isolation, bootId } } = this.#parts
    const publish = async (batch: RecordBatch): Promise<void> => {
      const sealed = parseHeader(batch.header)
      if (sealed === undefined) throw new TypeError('the own writer made a malformed header')
      await fold.accept(batch, sealed)
      // Changes whose proxy vanished end here.
      await notices.tell(noticedLines(batch))
    }
    return createRecordWriter({ service: 'audit', bootId, signer, clock, mode, isolation, publish, maxUnackedMs: MAX_UNACKED_MS })
  }
}
