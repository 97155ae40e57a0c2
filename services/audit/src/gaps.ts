/**
 * Batches that came before the one they follow. They are held in memory, because a bus that is asked to bring them again does so later
 * with each time; what is furthest ahead goes back to it when too many wait, so that there is always room for the one that is missing.
 */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { RecordBatch } from '@lockkeeper/transparency-log'

/** Half of the batches, and of their bytes, that a bus hands over at once. */
const MOST_WAITING = 256
const MOST_BYTES = 32 * 1024 * 1024

/** The batch before has not come: only its writer or the bus can help. */
export class BatchMissing extends PortUnavailable {}

export interface GapTimes {
  /** Ms after which nobody who asks waits for the batch any more. */
  readonly waitMs: number
  /** Ms after which the bus is asked to bring the batch again. */
  readonly holdMs: number
}

interface Waiting {
  readonly writer: string
  readonly firstSeq: number
  /** Records between the end of its writer's chain, when it came, and itself. */
  readonly ahead: number
  readonly bytes: number
  late: boolean
  readonly end: (error?: BatchMissing) => void
}

export class Gaps {
  readonly #times: GapTimes
  readonly #waiting = new Set<Waiting>()
  #bytes = 0
  #stopped = false

  constructor(times: GapTimes) {
    this.#times = times
  }

  /** Resolves when the batch before it was taken; rejects with BatchMissing after `holdMs` or when too many wait. `onLate`: nobody should wait for it any more. */
  wait(batch: RecordBatch, lastSeq: number, onLate: () => void): Promise<void> {
    const waiting = new Promise<void>((resolve, reject) => {
      const end = (error?: BatchMissing): void => {
        clearTimeout(timer)
        this.#waiting.delete(one)
        this.#bytes -= one.bytes
        if (error === undefined) resolve()
        else reject(error)
      }
      const one: Waiting = { writer: batch.writer, firstSeq: batch.firstSeq, ahead: batch.firstSeq - lastSeq, bytes: bytesOf(batch), late: false, end }
      let timer = setTimeout(() => {
        const left = this.#times.holdMs - this.#times.waitMs
        if (left <= 0 || this.#stopped) return end(missing(one))
        one.late = true
        timer = setTimeout(() => end(missing(one)), left)
        onLate()
      }, this.#times.waitMs)
      this.#waiting.add(one)
      this.#bytes += one.bytes
    })
    this.#makeRoom()
    return waiting
  }

  arrived({ writer, lastSeq }: RecordBatch): void {
    for (const one of this.#waiting) if (one.writer === writer && one.firstSeq <= lastSeq + 1) one.end()
  }

  /** From now on nothing waits longer than `waitMs`. */
  stop(): void {
    this.#stopped = true
    for (const one of this.#waiting) if (one.late) one.end(missing(one))
  }

  #makeRoom(): void {
    while (this.#waiting.size > MOST_WAITING || this.#bytes > MOST_BYTES && this.#waiting.size > 1) {
      const furthest = [...this.#waiting].reduce((most, one) => one.ahead >= most.ahead ? one : most)
      furthest.end(missing(furthest))
    }
  }
}

function missing({ writer, firstSeq }: Waiting): BatchMissing {
  return new BatchMissing(`the batch before record ${firstSeq} of writer ${writer} has not arrived`)
}

function bytesOf({ lines, bodies }: RecordBatch): number {
  return lines.reduce((sum, line) => sum + line.length, 0) + bodies.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
