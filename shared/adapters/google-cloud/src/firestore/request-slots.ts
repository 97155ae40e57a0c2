/** Calls at once on one connection: Google's front ends take 100 streams, and a stream that waits for a place inside of gRPC has no deadline there. */
import { PortUnavailable } from '@lockkeeper/domain/ports'

const MAX_RUNNING = 80
const MAX_WAITING = 10_000

export class RequestSlots {
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** Calls `work` with what is left of its time; PortUnavailable where none is, or where too many wait. */
  async run<T>(timeoutMs: number, work: (leftMs: number) => Promise<T>): Promise<T> {
    const from = performance.now()
    if (this.#running >= MAX_RUNNING) await this.#turn()
    else this.#running += 1
    try {
      const left = timeoutMs - (performance.now() - from)
      if (left < 1) throw new PortUnavailable(`Firestore: no place for a call came free within ${Math.round(timeoutMs)} ms`)
      return await work(left)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  /** The place is handed on by whoever leaves; each of them is bounded by its deadline, so a turn comes. */
  #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw new PortUnavailable(`Firestore: ${MAX_WAITING} calls wait already`)
    return new Promise(resolve => { this.#waiting.push(resolve) })
  }
}
