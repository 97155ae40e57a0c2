import type { Socket } from 'node:net'

/** What may wait before the source is paused. */
const MAX_WAITING = 1024 * 1024

/** Passes bytes on after a while that can be changed, in order; Infinity holds them. */
export class SlowPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #waiting: { readonly chunk: Buffer, readonly arrivedAt: number }[] = []
  #size = 0
  #delayMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, delayMs: number) {
    this.#from = from
    this.#to = to
    this.#delayMs = delayMs
    from.on('data', (chunk: Buffer) => {
      this.#waiting.push({ chunk, arrivedAt: performance.now() })
      this.#size += chunk.length
      if (this.#size > MAX_WAITING) from.pause()
      this.#pass()
    })
    from.on('close', () => clearTimeout(this.#timer))
  }

  delay(ms: number): void {
    this.#delayMs = ms
    this.#pass()
  }

  #pass(): void {
    clearTimeout(this.#timer)
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const left = next.arrivedAt + this.#delayMs - performance.now()
      if (left > 0) {
        if (Number.isFinite(left)) this.#timer = setTimeout(() => this.#pass(), Math.ceil(left))
        return
      }
      this.#waiting.shift()
      this.#size -= next.chunk.length
      if (this.#to.writable) this.#to.write(next.chunk)
    }
    if (this.#from.isPaused()) this.#from.resume()
  }
}
