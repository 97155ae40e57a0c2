/** Sends sealed batches one at a time, the same batch again after a failure, and says how long one has been on its way. */
import type { Clock } from '@lockkeeper/domain'
import type { RecordBatch } from './batch.ts'

export interface SenderOptions {
  readonly publish: (batch: RecordBatch) => Promise<void>
  readonly clock: Clock
  readonly maxUnackedMs: number
  /** Called once per batch that is not acknowledged in time; sending goes on. */
  readonly onLate: (cause: unknown) => void
}

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000

/** Resolves when the batch is durable. Never rejects: it tries until it is told to stop, then resolves false. */
export async function sendUntilDurable(batch: RecordBatch, options: SenderOptions, stop: AbortSignal): Promise<boolean> {
  const started = options.clock.monotonic()
  let lateCause: unknown = new Error('no acknowledgement in time')
  let late = false
  const becomeLate = (): void => {
    if (late) return
    late = true
    options.onLate(lateCause)
  }
  const timer = setTimeout(becomeLate, options.maxUnackedMs)
  try {
    for (let pause = FIRST_PAUSE_MS; !stop.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await options.publish(batch)
        return true
      } catch (error) {
        lateCause = error
        if (options.clock.monotonic() - started >= options.maxUnackedMs) becomeLate()
      }
      await wait(pause, stop)
    }
    return false
  } finally {
    clearTimeout(timer)
  }
}

function wait(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    stop.addEventListener('abort', end)
  })
}
