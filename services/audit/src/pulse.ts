/** Wakes everyone who waits for the next beat. */
export class Pulse {
  #waiting = Promise.withResolvers<void>()

  beat(): void {
    this.#waiting.resolve()
    this.#waiting = Promise.withResolvers<void>()
  }

  next(): Promise<void> {
    return this.#waiting.promise
  }
}
