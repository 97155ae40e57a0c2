/** Batches that came before the one they follow. They wait a little in memory; then the bus is asked to bring them again. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { RecordBatch } from '@lockkeeper/transparency-log'

const MOST_WAITING = 256

/** The batch before has not come: only its writer or the bus can help. */
export class BatchMissing extends PortUnavailable {}

interface Waiting {
  readonly writer: string
  readonly firstSeq: number
  readonly end: (error?: BatchMissing) => void
}

export class Gaps {
  readonly #waitMs: number
  readonly #waiting = new Set<Waiting>()

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /** Resolves when the batch before it was taken; rejects with BatchMissing after the wait or when too many wait. */
  wait({ writer, firstSeq }: RecordBatch): Promise<void> {
    if (this.#waiting.size >= MOST_WAITING) return Promise.reject(missing(writer, firstSeq))
    return new Promise((resolve, reject) => {
      const end = (error?: BatchMissing): void => {
        clearTimeout(timer)
        this.#waiting.delete(one)
        if (error === undefined) resolve()
        else reject(error)
      }
      const one: Waiting = { writer, firstSeq, end }
      const timer = setTimeout(() => end(missing(writer, firstSeq)), this.#waitMs)
      this.#waiting.add(one)
    })
  }

  arrived({ writer, lastSeq }: RecordBatch): void {
    for (const one of this.#waiting) if (one.writer === writer && one.firstSeq <= lastSeq + 1) one.end()
  }

  stop(): void {
    for (const one of this.#waiting) one.end(missing(one.writer, one.firstSeq))
  }
}

function missing(writer: string, firstSeq: number): BatchMissing {
  return new BatchMissing(`the batch before record ${firstSeq} of writer ${writer} has not arrived`)
}
