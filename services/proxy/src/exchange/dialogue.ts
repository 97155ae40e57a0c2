/** One request and its answer on an upstream connection: undici's dispatch, with what is known about whether a byte was sent. */
import type { Dispatcher } from 'undici'
import type { Answer } from './answer.ts'
import { readResponseHead, type ResponseHead } from './response-headers.ts'

export type DialogueEnd =
  /** `sent`: at least the request line may have left. */
  | { readonly kind: 'failed', readonly sent: boolean, readonly error: Error, readonly answer: Answer | undefined }
  | { readonly kind: 'answered', readonly answer: Answer }

export interface DialogueParts {
  /** Called when a connection is ready, before the first byte; an Error stops the request unsent. */
  readonly onStart: () => Error | undefined
  readonly location: (url: string) => string
  /** Makes the answer from its head; throws to refuse it. */
  readonly answer: (head: ResponseHead, flow: Dispatcher.DispatchController) => Answer
  readonly end: (end: DialogueEnd) => void
}

export class Dialogue implements Dispatcher.DispatchHandler {
  readonly #parts: DialogueParts
  #controller: Dispatcher.DispatchController | undefined
  #answer: Answer | undefined
  #sent = false
  #over = false

  constructor(parts: DialogueParts) { this.#parts = parts }

  /** Ends it from outside: the client left, a lock fell. */
  abort(error: Error): void {
    this.#controller?.abort(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    const stop = this.#parts.onStart()
    if (stop !== undefined) controller.abort(stop)
    else this.#sent = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return
    const head = readResponseHead(status, controller.rawHeaders as Buffer[], this.#parts.location)
    const answer = this.#parts.answer(head, controller)
    this.#answer = answer
    answer.finished.then(() => this.#end({ kind: 'answered', answer }), (error: Error) => this.#fail(error))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#answer?.write(chunk)
  }

  onResponseEnd(): void {
    this.#answer?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#answer?.fail(error)
    this.#fail(error)
  }

  #fail(error: Error): void {
    this.#end({ kind: 'failed', sent: this.#sent, error, answer: this.#answer })
  }

  #end(end: DialogueEnd): void {
    if (this.#over) return
    this.#over = true
    this.#parts.end(end)
  }
}
