/** Waits for SIGINT, SIGTERM, Ctrl-C in raw mode, or a part that is lost. */
export interface Stop {
  /** Resolves with the failure, or with undefined for an ordinary end. */
  readonly stopped: Promise<Error | undefined>
  stop(): void
  fail(error: Error): void
}

export function untilStopped(): Stop {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>()
  const stop = (): void => resolve(undefined)
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  void promise.then(() => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  })
  return { stopped: promise, stop, fail: (error) => resolve(error) }
}
