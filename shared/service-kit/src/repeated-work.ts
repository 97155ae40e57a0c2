/** Work that is done again and again, one after the other, until stopped. */

export interface RepeatedWork {
  /** Resolves when the run in flight has ended. */
  stop(): Promise<void>
}

export interface RepeatOptions {
  /** Ms from the end of one run to the next. */
  readonly everyMs: number
  /** When the first run begins: `now`, or `later`, `everyMs` from now. */
  readonly first: 'now' | 'later'
  readonly work: () => Promise<unknown>
  /** Told of a run that failed, which does not end the work. It must not throw. */
  readonly failed: (cause: unknown) => void
}

export function repeat({ everyMs, first, work, failed }: RepeatOptions): RepeatedWork {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const run = async (): Promise<void> => {
    try {
      await work()
    } catch (cause) {
      failed(cause)
    }
    if (!stopped) again()
  }
  const again = (): void => { timer = setTimeout(() => { running = run() }, everyMs) }
  if (first === 'now') running = run()
  else again()

  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
