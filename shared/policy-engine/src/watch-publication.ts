/** The reader's side of what the policy service publishes: verifies, loads beside the traffic, swaps whole values, keeps the old one when the new one is no good. */
import type { Clock } from '@lockkeeper/domain'
import { HEARTBEAT_ID, type Heartbeat } from '@lockkeeper/domain/collections'
import type { Doc, DocumentStore, Watch, WatchChange } from '@lockkeeper/domain/ports'
import { policies, type PolicyServiceDocument } from './collections.ts'
import type { Pointer } from './pointer.ts'

/** Ms before an outage is tried again, doubling up to the most. */
const RETRY_MS = { first: 100, most: 2_000 }

/** `problem`: what was published is no good and will not become better. */
export type Loaded<V> = { readonly value: V } | { readonly problem: string }

export interface Publication<P extends Pointer, V> {
  /** In texts: `bundle`, `target set`. */
  readonly what: string
  /** Id of the pointer's document in `policies`. */
  readonly id: string
  /** What is wrong with a pointer's signature; undefined: nothing. */
  readonly fault: (pointer: P) => string | undefined
  /** Throws on an outage, absence of the blob included: trying again may help. */
  readonly load: (pointer: P) => Promise<Loaded<V>>
}

export interface PublicationWatchOptions<V> {
  readonly store: Pick<DocumentStore, 'read' | 'watch'>
  readonly clock: Clock
  /** Called with the text of each new problem, and with undefined when it is over. */
  readonly onProblem?: ((problem: string | undefined) => void) | undefined
  /** Called after each swap. */
  readonly onSwap?: ((value: V) => void) | undefined
}

export interface PublicationWatch<V> {
  /** Undefined until the first sound version. */
  current(): V | undefined
  /**
   * Ms (monotonic) since the value in force was last known to be the current one: a heartbeat or a strong read while nothing
   * newer waits to be loaded. Infinity before the first. Over the limit: `refresh()` once, else refuse.
   */
  age(): number
  /** Why the newest version is not in force, where it is not. */
  problem(): string | undefined
  /** Resolves when the first version is in force. Rejects with PortUnavailable when the watch cannot start, or when closed before. */
  readonly ready: Promise<void>
  /** One strong read; resolves when what it showed is in force or refused. PortUnavailable on outage. Concurrent calls share one. */
  refresh(): Promise<void>
  close(): void
}

export function watchPublication<P extends Pointer, V>(publication: Publication<P, V>, options: PublicationWatchOptions<V>): PublicationWatch<V> {
  return new LivePublication(publication, options)
}

class LivePublication<P extends Pointer, V> implements PublicationWatch<V> {
  readonly ready: Promise<void>
  readonly #publication: Publication<P, V>
  readonly #options: PublicationWatchOptions<V>
  readonly #watch: Watch
  readonly #settle = Promise.withResolvers<void>()
  #value: V | undefined
  /** Of the value in force. */
  #version: string | undefined
  /** Highest sequence in force or refused: nothing older is taken any more. */
  #settled = -1
  #newest: P | undefined
  #loading: Promise<void> | undefined
  #refreshing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  /** What is wrong with the pointer that stands in the store. */
  #fault: string | undefined
  /** What is wrong with the newest sound pointer's blob. */
  #trouble: string | undefined
  #problem: string | undefined
  /** When the newest pointer was last known to be the newest (monotonic). */
  #evidenceAt = -Infinity
  /** The same for the pointer whose value is in force. */
  #confirmedAt = -Infinity
  #beat: number | undefined
  #closed = false

  constructor(publication: Publication<P, V>, options: PublicationWatchOptions<V>) {
    this.#publication = publication
    this.#options = options
    this.ready = this.#settle.promise
    // Whoever does not wait for `ready` sees no value; that must not end the process.
    this.ready.catch(() => undefined)
    this.#watch = options.store.watch(policies, { name: 'live', equal: { live: true } }, (changes) => { this.#changed(changes) })
    this.#watch.ready.catch((error: unknown) => { this.#settle.reject(error) })
  }

  current(): V | undefined { return this.#value }

  problem(): string | undefined { return this.#problem }

  age(): number {
    return this.#version === undefined || this.#closed ? Infinity : this.#options.clock.monotonic() - this.#confirmedAt
  }

  refresh(): Promise<void> {
    return this.#refreshing ??= this.#read().finally(() => { this.#refreshing = undefined })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#watch.close()
    this.#settle.reject(new Error(`the watch was closed before a ${this.#publication.what} was in force`))
  }

  #changed(changes: readonly WatchChange<PolicyServiceDocument>[]): void {
    const own = this.#publication.id
    for (const { id, doc } of changes) {
      if (id === own && doc === undefined) this.#report({ fault: `the document that names the ${this.#publication.what} in force was removed` })
      if (id === own && doc !== undefined) this.#see(doc.data as unknown as P)
      if (id === HEARTBEAT_ID && doc !== undefined) this.#hear((doc.data as Heartbeat).beat)
    }
  }

  #hear(beat: number): void {
    if (beat === this.#beat) return
    this.#beat = beat
    this.#witness(this.#options.clock.monotonic())
  }

  #witness(at: number): void {
    this.#evidenceAt = Math.max(this.#evidenceAt, at)
    if (this.#isSettled()) this.#confirmedAt = this.#evidenceAt
  }

  #isSettled(): boolean { return this.#newest === undefined || this.#newest.sequence <= this.#settled }

  async #read(): Promise<void> {
    const asked = this.#options.clock.monotonic()
    const [doc] = await this.#options.store.read([{ collection: policies, id: this.#publication.id }]) as unknown as readonly (Doc<P> | undefined)[]
    if (doc === undefined) return
    this.#see(doc.data)
    await this.#loading
    this.#witness(asked)
  }

  #see(pointer: P): void {
    const fault = this.#publication.fault(pointer) ?? this.#rollback(pointer)
    this.#report({ fault })
    if (fault !== undefined || pointer.sequence === this.#newest?.sequence) return
    this.#newest = pointer
    this.#failures = 0
    this.#witness(this.#options.clock.monotonic())
    this.#load()
  }

  /** A signed pointer stays sound for ever, so an old one must not come back. */
  #rollback(pointer: P): string | undefined {
    const newest = this.#newest
    if (newest === undefined || pointer.sequence > newest.sequence) return undefined
    if (pointer.sequence < newest.sequence) return `${this.#publication.what} ${pointer.version.slice(0, 12)} is older than one that was named before`
    return pointer.version === newest.version ? undefined : `two ${this.#publication.what}s claim the same place in the order`
  }

  #load(): void {
    clearTimeout(this.#retry)
    this.#loading ??= this.#loadNewest().finally(() => { this.#loading = undefined })
  }

  /** Follows the newest pointer until it is settled: what was overtaken while it was compiled is not put in force. */
  async #loadNewest(): Promise<void> {
    for (;;) {
      const pointer = this.#newest
      if (pointer === undefined || this.#isSettled() || this.#closed) return
      let made: Loaded<V>
      try {
        made = await this.#publication.load(pointer)
      } catch (error) {
        this.#tryLater(error)
        return
      }
      if (pointer === this.#newest && !this.#closed) this.#take(pointer, made)
    }
  }

  #take(pointer: P, made: Loaded<V>): void {
    this.#settled = pointer.sequence
    this.#confirmedAt = this.#evidenceAt
    if ('problem' in made) {
      this.#report({ trouble: made.problem })
      return
    }
    this.#value = made.value
    this.#version = pointer.version
    this.#report({ trouble: undefined })
    this.#options.onSwap?.(made.value)
    this.#settle.resolve()
  }

  #tryLater(error: unknown): void {
    this.#report({ trouble: `the newest ${this.#publication.what} cannot be loaded: ${(error as Error).message}` })
    const wait = Math.min(RETRY_MS.first * 2 ** this.#failures++, RETRY_MS.most)
    if (!this.#closed) this.#retry = setTimeout(() => { this.#load() }, wait).unref()
  }

  #report(told: { readonly fault?: string | undefined, readonly trouble?: string | undefined }): void {
    if ('fault' in told) this.#fault = told.fault
    if ('trouble' in told) this.#trouble = told.trouble
    const problem = this.#fault ?? this.#trouble
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.onProblem?.(problem)
  }
}
