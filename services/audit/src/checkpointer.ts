/** Signs the log's state: soon after it grew, not more often than wanted, and at once when asked. */
import type { Clock } from '@lockkeeper/domain'
import type { BlobStore, Signer } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { signCheckpoint } from '@lockkeeper/transparency-log'
import type { LogBook } from './log-book.ts'
import { checkpointKey, type LogReader } from './log-reader.ts'

export interface CheckpointerParts {
  readonly blobs: BlobStore
  readonly reader: LogReader
  readonly signer: Signer
  readonly clock: Clock
  readonly log: Log
  readonly origin: string
  readonly everyMs: number
}

export class Checkpointer {
  readonly #parts: CheckpointerParts
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
  }

  /** The log has grown: a checkpoint follows within `everyMs`. */
  grown(book: LogBook): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      // The next segment or query makes one again.
      this.write(book).catch((error: unknown) => this.#parts.log.error({ error: String(error) }, 'a checkpoint of the audit log could not be written'))
    }, this.#parts.everyMs)
  }

  /** Resolves with the size that the newest checkpoint covers: everything that the book holds now. One at a time. */
  write(book: LogBook): Promise<number> {
    const next = this.#running.then(() => this.#write(book))
    this.#running = next.then(() => undefined, () => undefined)
    return next
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #write(book: LogBook): Promise<number> {
    const { blobs, reader, signer, clock, origin } = this.#parts
    const { size } = book.tree
    const root = book.tree.root()
    if (size === 0 || size === this.#size) return size
    if (await reader.checkpoint(size) === undefined) {
      await blobs.create(checkpointKey(size), Buffer.from(await signCheckpoint({ origin, size, root, at: clock.now() }, signer)))
    }
    this.#size = size
    return size
  }
}
