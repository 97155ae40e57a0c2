/** How far the log is behind its writers, and for how long it has heard of none. */
import type { Clock } from '@lockkeeper/domain'

export class FoldLag {
  readonly #clock: Clock
  /** What is taken and not durable (the same object is told of again when it is), with the epoch ms at which its writer sealed it. */
  readonly #taken = new Map<object, number>()
  #last = 0
  #heardAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#heardAt = clock.monotonic()
  }

  /** A batch or a heartbeat was sound. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic()
  }

  taken(pending: object, sealedAt: number): void {
    this.#taken.set(pending, sealedAt)
  }

  durable(pending: object): void {
    const sealedAt = this.#taken.get(pending)
    if (sealedAt !== undefined) this.#last = this.#clock.now() - sealedAt
    this.#taken.delete(pending)
  }

  /** It goes back to the bus. */
  givenBack(pending: object): void {
    this.#taken.delete(pending)
  }

  /** Ms from a batch's sealing to its durability: of the oldest that waits, or of the last that was written where that took longer. Clocks of two machines differ, so it is never under 0. */
  get lagMs(): number {
    const now = this.#clock.now()
    let most = this.#last
    for (const sealedAt of this.#taken.values()) most = Math.max(most, now - sealedAt)
    return Math.max(0, most)
  }

  /** Ms since a writer was last heard. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#heardAt
  }
}
