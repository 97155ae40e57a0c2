/** Work that is done again and again, one after the other, until stopped. */

export interface RepeatedWork {
  /** Resolves when the run in flight has ended. */
  stop(): Promise<void>
}

/** First run `everyMs` from now, then `everyMs` after the last one ended. A failure is told and does not end it. */
export function repeat(everyMs: number, work: () => Promise<void>, failed: (cause: unknown) => void): RepeatedWork {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  const again = (): NodeJS.Timeout => setTimeout(() => {
    running = work().catch(failed).finally(() => { if (!stopped) timer = again() })
  }, everyMs)
  let timer = again()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
