/** The agent's side of an answer: what is written there, how fast it takes it, and what happens when it is gone. */
import type { ServerResponse } from 'node:http'
import { endWhenRead } from '../send-refusal.ts'

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
    this.#response.writeHead(status, this.#response.req.complete ? [...headers] : [...headers, 'Connection', 'close'])
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

  end(): void {
    endWhenRead(this.#response.req, this.#response)
  }
}
