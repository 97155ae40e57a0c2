/** The start of a service whose database does not answer yet: it is alive and not ready, and begins once it can. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Log } from './logger.ts'

export interface StartOptions {
  /** May be called again after a PortUnavailable. */
  readonly start: () => Promise<void>
  /** Told of what no waiting mends. */
  readonly fail: (error: Error) => void
  readonly log: Pick<Log, 'warn'>
  /** Ms before the second attempt; doubled with each up to `most`. Defaults 250 and 5,000. */
  readonly retryMs?: { readonly first: number, readonly most: number }
}

export interface PatientStart {
  readonly started: boolean
  /** Tries no more; resolves when the attempt in flight has ended. */
  stop(): Promise<void>
}

/** Tries until it works, however long that takes: whoever runs the process sees by its readiness that it does not. */
export function startWhenAvailable({ start, fail, log, retryMs = { first: 250, most: 5_000 } }: StartOptions): PatientStart {
  let started = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void>

  const attempt = async (waitMs: number): Promise<void> => {
    try {
      await start()
      started = true
    } catch (error) {
      if (!(error instanceof PortUnavailable)) fail(error instanceof Error ? error : new TypeError(String(error)))
      else if (!stopped) {
        log.warn({ err: error, againInMs: waitMs }, 'the service cannot start yet; it is tried again')
        timer = setTimeout(() => { running = attempt(Math.min(retryMs.most, waitMs * 2)) }, waitMs)
      }
    }
  }
  running = attempt(retryMs.first)

  return {
    get started() { return started },
    stop() {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
