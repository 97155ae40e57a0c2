/** Work that is done again and again, one after the other, until stopped. */

export interface RepeatedWork {
  /** Resolves when the run in flight has ended. */
  stop(): Promise<void>
}

/** First run at once, then `everyMs` after the last one ended. A failure is told and does not end it. */
export function repeat(everyMs: number, work: () => Promise<unknown>, failed: (cause: unknown) => void): RepeatedWork {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const run = async (): Promise<void> => {
    try {
      await work()
    } catch (cause) {
      failed(cause)
    }
    if (!stopped) timer = setTimeout(() => { running = run() }, everyMs)
  }
  running = run()

  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
