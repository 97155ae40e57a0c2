/**
 * The main thread's side of the worker: sends operations, settles them in the order of commit and knows how long ago
 * the worker proved that it lives. No call here waits for a disk.
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '@lockkeeper/domain'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Envelope, FromWorker, OperationKind, OperationOf, ReplyOf, WorkerSettings } from './protocol.ts'

/** Operations that may wait for the worker; more means that the disk cannot follow. */
const MAX_WAITING = 50_000
const MAX_WAITING_CHARACTERS = 128 * 1024 * 1024
/** Lazy operations (acknowledgements) wait this long for another operation to share a commit with. */
const LAZY_MS = 10
const LAZY_OPERATIONS = 256
const END_MS = 1000
const OPEN_TIMEOUT_MS = 30_000

export interface ClientSettings {
  readonly worker: WorkerSettings
  readonly workerUrl: URL
  readonly clock: Clock
  /** Ms after which an unanswered operation fails; it may still be committed. */
  readonly timeoutMs: number
  readonly onFailure: (error: PortUnavailable) => void
}

export interface SendOptions {
  /** Characters of JSON text that the operation carries. */
  readonly size?: number
  /** Wait a little for company. */
  readonly lazy?: boolean
  /** Internal operations are bounded by what they follow from and are never refused. */
  readonly internal?: boolean
}

type Settle = (outcome: { readonly value: unknown } | { readonly error: PortUnavailable }) => void

interface Waiting {
  readonly settle: Settle
  readonly at: number
  readonly size: number
  /** Told of the time-out already; a late answer still has to reach the watches. */
  late: boolean
}

export class StoreClient {
  readonly #settings: ClientSettings
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #watchdog: NodeJS.Timeout
  #outbox: Envelope[] = []
  #flushing = false
  #lazyTimer: NodeJS.Timeout | undefined
  #nextId = 1
  #characters = 0
  #group = 0
  #provedAt: number
  #failure: PortUnavailable | undefined
  #closing = false
  #closed = false

  private constructor(settings: ClientSettings, worker: Worker) {
    this.#settings = settings
    this.#worker = worker
    this.#provedAt = settings.clock.monotonic()
    worker.on('message', message => this.#receive(message as FromWorker))
    worker.on('error', error => this.#fail(new PortUnavailable('the store\'s worker failed', { cause: error })))
    worker.on('exit', () => this.#fail(new PortUnavailable(this.#closed ? 'the store is closed' : 'the store\'s worker ended')))
    this.#watchdog = setInterval(() => this.#expire(), Math.min(250, settings.timeoutMs)).unref()
  }

  /** Resolves once the worker has the file; PortUnavailable with a text for the operator otherwise. */
  static async open(settings: ClientSettings): Promise<StoreClient> {
    const worker = new Worker(settings.workerUrl, { workerData: settings.worker, name: 'lockkeeper-store', execArgv: [] })
    try {
      await opened(worker)
    } catch (error) {
      await worker.terminate()
      throw error
    }
    return new StoreClient(settings, worker)
  }

  /** Ms since the worker last proved that it lives and that nothing it committed is missing here. */
  silence(): number {
    return this.#settings.clock.monotonic() - this.#provedAt
  }

  request<K extends OperationKind>(op: OperationOf<K>, options: SendOptions = {}): Promise<ReplyOf<K>> {
    return new Promise((resolve, reject) => {
      this.send<K>(op, options, resolve, reject)
    })
  }

  /**
   * As `request`, but `done` runs synchronously when the answer comes in: in the order of commit and before anything of a
   * later commit. `done` also runs after a time-out has been told to `failed`.
   */
  send<K extends OperationKind>(op: OperationOf<K>, options: SendOptions, done: (value: ReplyOf<K>) => void, failed: (error: PortUnavailable) => void): void {
    const { size = 0, lazy = false, internal = false } = options
    if (this.#failure !== undefined) return failed(this.#failure)
    if (this.#closing && !internal) return failed(new PortUnavailable('the store is closing'))
    if (!internal && (this.#waiting.size >= MAX_WAITING || this.#characters + size > MAX_WAITING_CHARACTERS)) {
      return failed(new PortUnavailable(`the store has ${this.#waiting.size} operations waiting and takes no more`))
    }
    const id = this.#nextId++
    const settle: Settle = outcome => 'error' in outcome ? failed(outcome.error) : done(outcome.value as ReplyOf<K>)
    this.#waiting.set(id, { settle, at: this.#settings.clock.monotonic(), size, late: false })
    this.#characters += size
    this.#outbox.push({ id, op })
    if (lazy && this.#outbox.length < LAZY_OPERATIONS) this.#lazyTimer ??= setTimeout(() => this.#flush(), LAZY_MS)
    else if (!this.#flushing) {
      // One message for all that one turn of the event loop has to say.
      this.#flushing = true
      queueMicrotask(() => this.#flush())
    }
  }

  /** Writes what waits and ends the worker; a worker that does not answer within the time-out is ended hard. */
  async close(): Promise<void> {
    if (this.#failure !== undefined || this.#closing) return
    this.#closing = true
    const ended = Promise.withResolvers<void>()
    this.#worker.once('exit', () => ended.resolve())
    try {
      await this.request<'close'>({ kind: 'close' }, { internal: true })
      this.#closed = true
      // The file is closed by now; the thread gets a moment to end by itself.
      const patience = setTimeout(() => ended.resolve(), END_MS)
      await ended.promise
      clearTimeout(patience)
    } finally {
      clearInterval(this.#watchdog)
      await this.#worker.terminate()
    }
  }

  #flush(): void {
    clearTimeout(this.#lazyTimer)
    this.#lazyTimer = undefined
    this.#flushing = false
    const batch = this.#outbox
    this.#outbox = []
    if (batch.length > 0) this.#worker.postMessage(batch)
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'beat') {
      // Answers and beats share one ordered channel, so a differing number would mean a commit that was never seen here.
      if (message.group === this.#group) this.#provedAt = this.#settings.clock.monotonic()
      return
    }
    if (message.kind !== 'answers') return
    this.#group = message.group
    this.#provedAt = this.#settings.clock.monotonic()
    for (const answer of message.answers) {
      const waiting = this.#waiting.get(answer.id)
      if (waiting === undefined) continue
      this.#forget(answer.id, waiting)
      if (!('failed' in answer)) waiting.settle({ value: answer.value })
      else if (!waiting.late) waiting.settle({ error: new PortUnavailable(`the store could not do it: ${answer.failed}`) })
    }
  }

  #expire(): void {
    const oldest = this.#settings.clock.monotonic() - this.#settings.timeoutMs
    for (const waiting of this.#waiting.values()) {
      if (waiting.at > oldest) break
      if (waiting.late) continue
      waiting.late = true
      waiting.settle({ error: new PortUnavailable(`the store did not answer within ${this.#settings.timeoutMs} ms; it cannot be said whether it was written`) })
    }
  }

  #forget(id: number, waiting: Waiting): void {
    this.#waiting.delete(id)
    this.#characters -= waiting.size
  }

  #fail(error: PortUnavailable): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    clearInterval(this.#watchdog)
    clearTimeout(this.#lazyTimer)
    for (const [id, waiting] of this.#waiting) {
      this.#forget(id, waiting)
      if (!waiting.late) waiting.settle({ error })
    }
    if (!this.#closing) this.#settings.onFailure(error)
  }
}

function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker): void => finish(message.kind === 'unopened' ? new PortUnavailable(message.message) : undefined)
    const onError = (error: unknown): void => finish(new PortUnavailable('the store\'s worker failed', { cause: error }))
    const onExit = (): void => finish(new PortUnavailable('the store\'s worker ended before it had opened the file'))
    const timer = setTimeout(() => finish(new PortUnavailable(`the store could not be opened within ${OPEN_TIMEOUT_MS} ms`)), OPEN_TIMEOUT_MS)
    const finish = (error?: PortUnavailable): void => {
      clearTimeout(timer)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      if (error === undefined) resolve()
      else reject(error)
    }
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  })
}
