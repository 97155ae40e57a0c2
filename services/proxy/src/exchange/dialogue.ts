/** One request and its answer on an upstream connection: undici's dispatch, with what is known about whether a byte was sent. */
import type { Dispatcher } from 'undici'
import type { Answer } from './answer.ts'
import type { CallTrace } from '../telemetry/call-trace.ts'
import { readResponseHead, type ResponseHead } from './response-headers.ts'

export type DialogueEnd =
  /** `sent`: at least the request line may have left. `status`: what the upstream answered, where its head came. */
  | { readonly kind: 'failed', readonly sent: boolean, readonly error: Error, readonly status: number | undefined, readonly answer: Answer | undefined }
  | { readonly kind: 'answered', readonly answer: Answer }

export interface DialogueParts {
  readonly trace: CallTrace | undefined
  /** Called when a connection is ready, before the first byte; an Error stops the request unsent. */
  readonly onStart: () => Error | undefined
  readonly location: (url: string) => string | undefined
  /** Makes the answer from its head; throws to refuse it. */
  readonly answer: (head: ResponseHead, flow: Dispatcher.DispatchController) => Answer
  readonly end: (end: DialogueEnd) => void
}

export class Dialogue implements Dispatcher.DispatchHandler {
  readonly #parts: DialogueParts
  #controller: Dispatcher.DispatchController | undefined
  #answer: Answer | undefined
  #status: number | undefined
  #sent = false
  #stopped: Error | undefined
  #over = false

  constructor(parts: DialogueParts) { this.#parts = parts }

  /** At least the request line may have left. */
  get sent(): boolean { return this.#sent }
  /** Its end has been told. */
  get over(): boolean { return this.#over }

  /** Ends it from outside: the client left, a lock fell. One that waits for a connection ends at once and is never sent. */
  abort(error: Error): void {
    if (this.#over) return
    this.#stopped ??= error
    if (this.#controller === undefined) this.#fail(error)
    else this.#controller.abort(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    const stop = this.#stopped ?? this.#parts.onStart()
    if (stop !== undefined) controller.abort(stop)
    else {
      this.#sent = true
      this.#parts.trace?.sent()
    }
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return
    this.#status = status
    this.#parts.trace?.headed(status)
    const head = readResponseHead(status, controller.rawHeaders as Buffer[], this.#parts.location)
    const answer = this.#parts.answer(head, controller)
    this.#answer = answer
    answer.finished.then(() => this.#end({ kind: 'answered', answer }), (error: Error) => this.#fail(error))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#answer?.write(chunk)
  }

  onResponseEnd(): void {
    this.#parts.trace?.received()
    this.#answer?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#answer?.fail(error)
    this.#fail(error)
  }

  #fail(error: Error): void {
    this.#end({ kind: 'failed', sent: this.#sent, error, status: this.#status, answer: this.#answer })
  }

  #end(end: DialogueEnd): void {
    if (this.#over) return
    this.#over = true
    this.#parts.end(end)
  }
}
