/** One service as a process: opens, serves until it is told to stop, drains within 10 s. A fault that nobody caught ends it. */
import type { Log } from '../logger.ts'

export interface RunningService {
  /** Stops taking, finishes, flushes, closes; in that order, without leaving anything that was acknowledged undone. */
  drain(): Promise<void>
}

/** What is used of `process`; tests give their own. */
export interface ProcessLike {
  on(event: string, listener: (cause: unknown) => void): unknown
  exit(code: number): void
}

export interface ServiceProcessOptions {
  readonly log: Log
  /** Rejects when the service cannot start; `fail` ends the process when a part is lost later that nothing works without. */
  readonly open: (fail: (error: Error) => void) => Promise<RunningService>
  /** Ms that draining may take before the process ends all the same. Default 9,500: Cloud Run kills after 10 s. */
  readonly drainMs?: number
  readonly process?: ProcessLike
}

/** Exit codes: 0 stopped as told, 1 a start, a part or the drain failed. Resolves when the service runs. */
export async function runServiceProcess({ log, open, drainMs = 9_500, process: host = process }: ServiceProcessOptions): Promise<void> {
  const crash = (what: string) => (cause: unknown): void => {
    // State in memory is not to be trusted any more: what is durable is safe, the rest is another start's.
    log.error({ err: cause }, what)
    host.exit(1)
  }
  host.on('uncaughtException', crash('a fault that nothing caught ends the process'))
  host.on('unhandledRejection', crash('a rejection that nothing caught ends the process'))
  let stopping = false
  const opening = Promise.withResolvers<RunningService>()
  opening.promise.catch(() => undefined)
  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    setTimeout(() => crash('draining took too long')(undefined), drainMs).unref()
    try {
      await (await opening.promise).drain()
      host.exit(code)
    } catch (cause) {
      crash('the service did not stop cleanly')(cause)
    }
  }
  for (const signal of ['SIGTERM', 'SIGINT']) host.on(signal, () => void stop(0))
  const fail = (error: Error): void => {
    log.error({ err: error }, 'a part is lost that nothing works without')
    void stop(1)
  }
  try {
    opening.resolve(await open(fail))
  } catch (cause) {
    opening.reject(cause)
    crash('the service does not start')(cause)
  }
}
