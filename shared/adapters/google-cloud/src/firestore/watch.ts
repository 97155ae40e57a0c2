/** One watch: a listen stream that is opened again whenever it ends or falls silent, and the age of what it has told. */
import type { Clock } from '@lockkeeper/domain'
import { HEARTBEAT_EVERY_MS, HEARTBEAT_ID } from '@lockkeeper/domain/collections'
import { PortUnavailable, type Watch, type WatchChange } from '@lockkeeper/domain/ports'
import { isLasting, portError } from './failures.ts'
import type { ListenMessage, ListenStream } from './firestore-client.ts'
import { ListenedSet, type Heard } from './listened-set.ts'

/** Firestore says about twice a minute that nothing has changed. */
const QUIET_MS = 45_000
/** A set with a heartbeat in it is never silent that long while its writer lives. */
const QUIET_WITH_HEARTBEAT_MS = 3 * HEARTBEAT_EVERY_MS
/** A stream that was just opened is answered at once. */
const ANSWER_MS = 5000

export interface WatchSettings {
  /** Ms within which the first set must have come. */
  readonly readyMs: number
  /** Ms before a stream that ended is opened again for the first time, and at most. */
  readonly reopenMs: { readonly base: number, readonly max: number }
  readonly onProblem: (problem: string, cause: unknown) => void
}

export interface WatchParts {
  readonly settings: WatchSettings
  readonly clock: Clock
  /** Names the watch in messages. */
  readonly what: string
  open(resumeToken: Uint8Array | undefined): ListenStream
  /** The connection may be dead. */
  onSilence(): void
  listener(changes: readonly WatchChange<object>[]): void
  onClose(): void
}

export class LiveWatch implements Watch {
  readonly ready: Promise<void>
  readonly #parts: WatchParts
  readonly #set = new ListenedSet()
  readonly #settle = Promise.withResolvers<void>()
  readonly #readyTimer: NodeJS.Timeout
  #stream: ListenStream | undefined
  #reopenTimer: NodeJS.Timeout | undefined
  #quietTimer: NodeJS.Timeout | undefined
  #quietMs = QUIET_MS
  /** Whether this stream has said anything yet. */
  #answered = false
  #failures = 0
  #completeAt: number | undefined
  #closed = false

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.ready = this.#settle.promise
    // Whoever does not wait for `ready` sees an age of Infinity; that must not end the process.
    this.ready.catch(() => undefined)
    this.#readyTimer = setTimeout(() => this.#giveUp(new PortUnavailable(`Firestore: no first set of ${parts.what} within ${parts.settings.readyMs} ms`)), parts.settings.readyMs)
    this.#open()
  }

  age(): number {
    return this.#completeAt === undefined || this.#closed ? Infinity : this.#parts.clock.monotonic() - this.#completeAt
  }

  close(): void {
    this.#giveUp(new PortUnavailable('the watch was closed before its first set came'))
  }

  #giveUp(why: Error): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#readyTimer)
    this.#leaveStream()
    this.#settle.reject(why)
    this.#parts.onClose()
  }

  #open(): void {
    this.#set.restart()
    this.#answered = false
    const stream = this.#parts.open(this.#set.resumeToken)
    this.#stream = stream
    const own = (act: () => void) => (): void => { if (this.#stream === stream) act() }
    stream.on('data', (message: ListenMessage) => own(() => this.#hear(message))())
    stream.on('error', (error: unknown) => own(() => this.#lost(error))())
    stream.on('end', own(() => this.#lost(new Error('the stream ended'))))
    this.#listenFor()
  }

  #hear(message: ListenMessage): void {
    this.#answered = true
    let heard: Heard
    try {
      heard = this.#set.hear(message)
    } catch (error) {
      return this.#lost(error)
    }
    switch (heard.kind) {
      case 'more': return this.#listenFor()
      case 'complete': return this.#complete(heard.changes)
      case 'differs': {
        this.#lost(new Error('the set differs from what was told of it'))
        return this.#set.restart({ forget: true })
      }
      case 'ended': return this.#lost(Object.assign(new Error(heard.message), { code: heard.code }))
    }
  }

  #complete(changes: readonly WatchChange<object>[]): void {
    const first = this.#completeAt === undefined
    this.#completeAt = this.#parts.clock.monotonic()
    this.#failures = 0
    if (changes.length > 0) this.#quietMs = this.#set.has(HEARTBEAT_ID) ? QUIET_WITH_HEARTBEAT_MS : QUIET_MS
    this.#listenFor()
    if (first || changes.length > 0) this.#deliver(changes)
    if (!first) return
    clearTimeout(this.#readyTimer)
    this.#settle.resolve()
  }

  #deliver(changes: readonly WatchChange<object>[]): void {
    try {
      this.#parts.listener(changes)
    } catch (error) {
      // Ends the process, but not in the middle of the stream's own work.
      queueMicrotask(() => { throw error })
    }
  }

  /** An outage is waited for; what will be said again ends a watch that has not begun. */
  #lost(error: unknown): void {
    const { settings, what } = this.#parts
    if (this.#completeAt === undefined && isLasting(error)) return this.#giveUp(portError(`watching ${what}`, error))
    if (this.#failures === 0) settings.onProblem(`the watch of ${what} was interrupted and is opened again`, error)
    // A set of unknown state is asked for whole.
    if (isLasting(error)) this.#set.restart({ forget: true })
    const { base, max } = settings.reopenMs
    this.#reopen(Math.min(max, base * 2 ** this.#failures) * (0.5 + Math.random() / 2))
    this.#failures = Math.min(this.#failures + 1, 20)
  }

  #reopen(afterMs: number): void {
    this.#leaveStream()
    this.#reopenTimer = setTimeout(() => this.#open(), afterMs)
  }

  /**
   * A connection that is cut without a word looks like one on which nothing happens, so silence ends a stream. Where others answer and
   * only the heartbeat is missing, its writer is down: each time is waited for longer.
   */
  #listenFor(): void {
    clearTimeout(this.#quietTimer)
    this.#quietTimer = setTimeout(() => {
      if (this.#answered) this.#quietMs = Math.min(QUIET_MS, this.#quietMs * 2)
      this.#parts.onSilence()
      this.#lost(new Error('the stream fell silent'))
    }, this.#answered ? this.#quietMs : ANSWER_MS)
  }

  #leaveStream(): void {
    clearTimeout(this.#quietTimer)
    clearTimeout(this.#reopenTimer)
    const stream = this.#stream
    this.#stream = undefined
    // What it still says after its end is of no concern, but an error without a listener would end the process.
    stream?.on('error', () => undefined)
    stream?.cancel()
  }
}
