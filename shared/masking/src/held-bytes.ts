/** Bytes of one token or line kept over several chunks, in one buffer that doubles: many tiny chunks cost no more than a few large ones. */
export class HeldBytes {
  #bytes = EMPTY
  #length = 0
  readonly #limit: number
  readonly #tooLong: () => Error

  /** `tooLong` makes what is thrown when more than `limit` bytes would be kept. */
  constructor(limit: number, tooLong: () => Error) {
    this.#limit = limit
    this.#tooLong = tooLong
  }

  /** Copies: the caller may use its buffer again. */
  add(part: Uint8Array): void {
    const length = this.#length + part.length
    if (length > this.#limit) throw this.#tooLong()
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(length, this.#bytes.length * 2, 64)))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    this.#bytes.set(part, this.#length)
    this.#length = length
  }

  /** Everything kept, followed by `rest`, in memory of its own; nothing is kept afterwards. */
  take(rest: Uint8Array): Buffer {
    const taken = Buffer.concat([this.#bytes.subarray(0, this.#length), rest])
    this.#length = 0
    return taken
  }
}

const EMPTY = Buffer.alloc(0)
