/** A batch while entries are still put into it, and afterwards until it is durable. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { RecordBody } from '@lockkeeper/domain/records'
import { hashLine, MARK_LENGTH } from './batch.ts'

type State = 'waiting' | 'late' | 'durable'

const DONE = Promise.resolve()

export class OpenBatch {
  readonly firstSeq: number
  readonly lines: string[] = []
  readonly bodies: RecordBody[] = []
  lineHashes = ''
  marks = ''
  /** UTF-16 units of lines and bytes of bodies: the size to within a small factor. */
  size = 0
  #state: State = 'waiting'
  #waiter: { readonly promise: Promise<void>, readonly resolve: () => void, readonly reject: (error: unknown) => void } | undefined
  #cause: unknown

  constructor(firstSeq: number) {
    this.firstSeq = firstSeq
  }

  get lastSeq(): number { return this.firstSeq + this.lines.length - 1 }

  /** Somebody asked to be told, so the batch should not linger. */
  get awaited(): boolean { return this.#waiter !== undefined }

  /** Whoever waits for it is refused, until it is durable after all. */
  get late(): boolean { return this.#state === 'late' }

  add(line: string): void {
    const hash = hashLine(line)
    this.lines.push(line)
    this.lineHashes += hash
    this.marks += hash.slice(0, MARK_LENGTH)
    this.size += line.length
  }

  addBody(body: RecordBody): void {
    this.bodies.push(body)
    this.size += body.bytes.length
  }

  /** One promise for all entries of the batch. */
  durable(): Promise<void> {
    if (this.#state === 'durable') return DONE
    if (this.#state === 'late') return Promise.reject(this.#unavailable())
    this.#waiter ??= Promise.withResolvers<void>()
    return this.#waiter.promise
  }

  /** Too long without an acknowledgement: whoever waits is told now. The batch may still become durable. */
  giveUpWaiting(cause: unknown): void {
    if (this.#state !== 'waiting') return
    this.#state = 'late'
    this.#cause = cause
    this.#waiter?.reject(this.#unavailable())
    this.#waiter = undefined
  }

  settle(): void {
    this.#state = 'durable'
    this.#waiter?.resolve()
    this.#waiter = undefined
  }

  #unavailable(): PortUnavailable {
    return new PortUnavailable('the audit log does not take the record', { cause: this.#cause })
  }
}
