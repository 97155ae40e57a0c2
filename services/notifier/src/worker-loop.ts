/** Work that comes in passes: done while there is some, looked for at once when woken and each second otherwise. */

export interface WorkerLoop {
  /** Looks at once instead of within a second. */
  wake(): void
  start(): void
  /** Resolves when the pass under way has ended, or after 5 s: another instance takes over what it leaves. */
  stop(): Promise<void>
}

const IDLE_MS = 1_000
const DRAIN_MS = 5_000

/** Passes one after the other; none is due: waits to be woken, a second at most. */
export function loopOver(pass: () => Promise<number>, failed: (cause: unknown) => void): WorkerLoop {
  let stopped = true
  let awake = false
  let rouse = (): void => undefined
  let running: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!stopped) {
      awake = false
      const attempts = await pass().catch((cause: unknown) => {
        failed(cause)
        return 0
      })
      if (attempts === 0 && !awake && !stopped) await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, IDLE_MS)
        rouse = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  const wake = (): void => {
    awake = true
    rouse()
  }
  return {
    wake,
    start() {
      if (!stopped) throw new TypeError('the worker runs already')
      stopped = false
      running = run()
    },
    async stop() {
      stopped = true
      wake()
      let timer: NodeJS.Timeout | undefined
      await Promise.race([running, new Promise<void>((resolve) => { timer = setTimeout(resolve, DRAIN_MS) })])
      clearTimeout(timer)
    },
  }
}
