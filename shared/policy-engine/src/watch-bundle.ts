/** The reader's side of bundles: verifies, compiles beside the traffic, swaps whole policies, keeps the old one when the new one is no good. */
import { HEARTBEAT_ID, type Heartbeat } from '@lockkeeper/domain/collections'
import type { Doc, DocumentStore, Watch, WatchChange } from '@lockkeeper/domain/ports'
import { loadBundle, type LoadOptions, type Loaded } from './bundle-loader.ts'
import { verifyPointer, type SignedPointer, type VerifyKey } from './bundle.ts'
import { CURRENT_ID, policies } from './collections.ts'
import type { Policy } from './policy.ts'

/** Ms before an outage is tried again, doubling up to the most. */
const RETRY_MS = { first: 100, most: 2_000 }

export interface BundleWatchOptions extends LoadOptions {
  readonly store: DocumentStore
  /** Keys of the policy service that are trusted: the present one and, while it changes, the next. */
  readonly keys: readonly VerifyKey[]
  /** Called with the text of each new problem, and with undefined when it is over. */
  readonly onProblem?: (problem: string | undefined) => void
  /** Called after each swap. */
  readonly onPolicy?: (policy: Policy) => void
}

export interface BundleWatch {
  /** Undefined until the first sound bundle. */
  current(): Policy | undefined
  /**
   * Ms (monotonic) since the policy in force was last known to be the current one: a heartbeat or a strong read while no
   * newer bundle waits to be loaded. Infinity before the first. Over the limit: `refresh()` once, else refuse.
   */
  age(): number
  /** Why the newest bundle is not in force, where it is not. */
  problem(): string | undefined
  /** Resolves when the first policy is in force. Rejects with PortUnavailable when the watch cannot start, or when closed before. */
  readonly ready: Promise<void>
  /** One strong read; resolves when what it showed is in force or refused. PortUnavailable on outage. Concurrent calls share one. */
  refresh(): Promise<void>
  close(): void
}

export function watchBundle(options: BundleWatchOptions): BundleWatch {
  return new LiveBundle(options)
}

class LiveBundle implements BundleWatch {
  readonly ready: Promise<void>
  readonly #options: BundleWatchOptions
  readonly #watch: Watch
  readonly #settle = Promise.withResolvers<void>()
  #policy: Policy | undefined
  /** Highest sequence in force or refused: nothing older is taken any more. */
  #settled = -1
  #newest: SignedPointer | undefined
  #loading: Promise<void> | undefined
  #refreshing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  #problem: string | undefined
  /** When the newest pointer was last known to be the newest (monotonic). */
  #evidenceAt = -Infinity
  /** The same for the pointer whose policy is in force. */
  #confirmedAt = -Infinity
  #beat: number | undefined
  #closed = false

  constructor(options: BundleWatchOptions) {
    this.#options = options
    this.ready = this.#settle.promise
    // Whoever does not wait for `ready` sees no policy; that must not end the process.
    this.ready.catch(() => undefined)
    this.#watch = options.store.watch(policies, { name: 'live', equal: { live: true } }, (changes) => { this.#changed(changes) })
    this.#watch.ready.catch((error: unknown) => { this.#settle.reject(error) })
  }

  current(): Policy | undefined { return this.#policy }

  problem(): string | undefined { return this.#problem }

  age(): number {
    return this.#policy === undefined || this.#closed ? Infinity : this.#options.clock.monotonic() - this.#confirmedAt
  }

  refresh(): Promise<void> {
    return this.#refreshing ??= this.#read().finally(() => { this.#refreshing = undefined })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#watch.close()
    this.#settle.reject(new Error('the watch was closed before a policy was in force'))
  }

  #changed(changes: readonly WatchChange<SignedPointer | Heartbeat>[]): void {
    for (const { id, doc } of changes) {
      if (id === CURRENT_ID && doc === undefined) this.#report('the document that names the bundle in force was removed')
      if (id === CURRENT_ID && doc !== undefined) this.#see(doc.data as SignedPointer)
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
    const [doc] = await this.#options.store.read([{ collection: policies, id: CURRENT_ID }]) as readonly (Doc<SignedPointer> | undefined)[]
    if (doc === undefined) return
    this.#see(doc.data)
    await this.#loading
    this.#witness(asked)
  }

  #see(pointer: SignedPointer): void {
    const fault = verifyPointer(pointer, this.#options.keys) ?? this.#rollback(pointer)
    if (fault !== undefined) {
      this.#report(fault)
      return
    }
    if (pointer.sequence === this.#newest?.sequence) {
      if (this.#policy?.version === pointer.version) this.#report(undefined)
      return
    }
    this.#newest = pointer
    this.#failures = 0
    this.#witness(this.#options.clock.monotonic())
    this.#load()
  }

  /** A signed pointer stays sound for ever, so an old one must not come back. */
  #rollback(pointer: SignedPointer): string | undefined {
    const newest = this.#newest
    if (newest === undefined || pointer.sequence > newest.sequence) return undefined
    if (pointer.sequence < newest.sequence) return `bundle ${pointer.version.slice(0, 12)} is older than one that was named before`
    return pointer.version === newest.version ? undefined : 'two bundles claim the same place in the order'
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
      let made: Loaded
      try {
        made = await loadBundle(pointer, this.#options)
      } catch (error) {
        this.#tryLater(error)
        return
      }
      if (pointer === this.#newest && !this.#closed) this.#take(pointer, made)
    }
  }

  #take(pointer: SignedPointer, made: Loaded): void {
    this.#settled = pointer.sequence
    this.#confirmedAt = this.#evidenceAt
    if ('problem' in made) {
      this.#report(made.problem)
      return
    }
    this.#policy = made.policy
    this.#report(undefined)
    this.#options.onPolicy?.(made.policy)
    this.#settle.resolve()
  }

  #tryLater(error: unknown): void {
    this.#report(`the newest bundle cannot be loaded: ${(error as Error).message}`)
    const wait = Math.min(RETRY_MS.first * 2 ** this.#failures++, RETRY_MS.most)
    if (!this.#closed) this.#retry = setTimeout(() => { this.#load() }, wait).unref()
  }

  #report(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.onProblem?.(problem)
  }
}
