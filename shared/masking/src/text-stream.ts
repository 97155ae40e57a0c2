/** Masks plain text chunk by chunk, by whole lines: no detector's value crosses a line, private keys apart, and those are state. */
import { isUtf8 } from 'node:buffer'
import { cannotMask } from './cannot-mask.ts'
import { HeldBytes } from './held-bytes.ts'
import type { Place, ValueMasker } from './value-masker.ts'

export class TextMasker {
  masked = 0
  readonly #values: ValueMasker
  readonly #place: Place
  readonly #maxLineLength: number
  readonly #held: HeldBytes
  #open = false
  #failure: unknown

  constructor(values: ValueMasker, place: Place, maxLineLength: number) {
    this.#values = values
    this.#place = place
    this.#maxLineLength = maxLineLength
    this.#held = new HeldBytes(maxLineLength, () => this.#tooLong())
  }

  /** Releases complete lines only. Throws CANNOT_MASK: invalid UTF-8, or a line over the limit. */
  push(chunk: Uint8Array): Uint8Array[] {
    return this.#guarded(() => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      const lines = bytes.lastIndexOf(0x0a) + 1
      const released = lines === 0 ? [] : this.#mask(this.#held.take(bytes.subarray(0, lines)))
      this.#held.add(bytes.subarray(lines))
      return released
    })
  }

  end(): Uint8Array[] {
    return this.#guarded(() => this.#mask(this.#held.take(new Uint8Array())))
  }

  #guarded(work: () => Uint8Array[]): Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return work()
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  #tooLong(): Error {
    return cannotMask(`it holds a line of more than ${this.#maxLineLength} bytes`)
  }

  #mask(bytes: Buffer): Uint8Array[] {
    if (bytes.length === 0) return []
    this.#checkLines(bytes)
    if (!isUtf8(bytes)) throw cannotMask('it is not valid UTF-8')
    const { masked, open } = this.#values.maskLines(bytes.toString('utf8'), this.#place, this.#open)
    this.#open = open
    if (masked === undefined) return [bytes]
    this.masked += masked.masked
    return [Buffer.from(masked.text)]
  }

  /** The limit holds for lines that come in one chunk too, so that chunking makes no difference. */
  #checkLines(bytes: Buffer): void {
    if (bytes.length <= this.#maxLineLength) return
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(0x0a, from)
      if ((end === -1 ? bytes.length : end) - from > this.#maxLineLength) throw this.#tooLong()
      from = end === -1 ? bytes.length : end + 1
    }
  }
}
