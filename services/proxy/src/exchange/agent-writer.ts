/** The agent's side of an answer: what is written there, how fast it takes it, and what happens when it is gone. */
import type { ServerResponse } from 'node:http'
import { endWhenRead } from '../send-refusal.ts'

/** Bytes of a body that are copied to save a second buffer on the way to the socket. */
const ONE_WRITE = 8 * 1024
const NOTHING = Buffer.alloc(0)

export class AgentWriter {
  readonly #response: ServerResponse
  readonly #stallMs: number
  readonly #onDrain: () => void
  #stalled: NodeJS.Timeout | undefined
  readonly #resume = (): void => {
    clearTimeout(this.#stalled)
    this.#stalled = undefined
    this.#response.off('drain', this.#resume).off('close', this.#resume)
    this.#onDrain()
  }

  /** `stallMs`: how long a client may read nothing before its connection is cut. `onDrain`: called when more can be written, or nobody is left to write for. */
  constructor(response: ServerResponse, stallMs: number, onDrain: () => void) {
    this.#response = response
    this.#stallMs = stallMs
    this.#onDrain = onDrain
  }

  get verb(): string | undefined { return this.#response.req.method }

  begin(status: number, headers: readonly string[]): void {
    this.#response.writeHead(status, this.#response.req.complete ? headers as string[] : [...headers, 'Connection', 'close'])
  }

  /** False: wait for `onDrain`. What is written for a client that has gone is dropped. */
  write(part: Uint8Array): boolean {
    const { destroyed } = this.#response
    if (destroyed || this.#response.write(part)) return true
    if (this.#stalled === undefined) {
      this.#stalled = setTimeout(() => this.#response.destroy(), this.#stallMs)
      this.#response.once('drain', this.#resume).once('close', this.#resume)
    }
    return false
  }

  /** An answer that is whole, in one write where it is small: head and body leave the process together. */
  whole(status: number, headers: readonly string[], bytes: Uint8Array): void {
    this.begin(status, headers)
    const body = this.verb === 'HEAD' ? NOTHING : bytes
    if (body.length > ONE_WRITE || body.length === 0 || !this.#response.req.complete) {
      if (body.length > 0) this.write(body)
      this.end()
    } else if (!this.#response.destroyed) {
      // As Latin-1 each byte is one character and comes out as it went in; a body that is text is joined with the head by node.
      this.#response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
    }
  }

  end(): void {
    endWhenRead(this.#response.req, this.#response)
  }
}
