/** Compares the tree, while it grows, with the checkpoints that were signed for its sizes. */
import { openCheckpoint } from './checkpoint.ts'
import type { ProblemList } from './log-report.ts'
import type { CompactRange } from './merkle.ts'
import type { TrustedKey } from './signatures.ts'

export interface CheckpointCheckOptions {
  /** Ascending by size. */
  readonly checkpoints: AsyncIterable<string> | Iterable<string>
  readonly trusted: readonly TrustedKey[]
  /** Name that every checkpoint must carry. Undefined: the first one's. */
  readonly origin?: string
}

export class CheckpointCheck {
  readonly #source: AsyncIterator<string> | Iterator<string>
  readonly #trusted: readonly TrustedKey[]
  readonly #problems: ProblemList
  #origin: string | undefined
  #next: { readonly size: number, readonly root: Buffer, readonly at: number } | undefined
  #started = false
  #differs = false
  #lastSize = -1
  count = 0
  lastAt: number | undefined
  covered = 0

  constructor({ checkpoints, trusted, origin }: CheckpointCheckOptions, problems: ProblemList) {
    this.#source = Symbol.asyncIterator in checkpoints ? checkpoints[Symbol.asyncIterator]() : checkpoints[Symbol.iterator]()
    this.#trusted = trusted
    this.#origin = origin
    this.#problems = problems
  }

  /** Call for size 0 and after every batch. */
  async compare(tree: CompactRange, segment: number): Promise<void> {
    if (!this.#started) await this.#advance()
    while (this.#next !== undefined && this.#next.size <= tree.size) {
      if (this.#next.size < tree.size) throw new TypeError('the tree must be compared at every size')
      if (!this.#differs && !tree.root().equals(this.#next.root)) {
        this.#differs = true
        const message = `The batches up to ${tree.size} are not the ones that the checkpoint was signed for.`
        this.#problems.add({ kind: 'root-differs', checkpoint: tree.size, batch: tree.size - 1, segment, message })
      }
      this.covered = tree.size
      this.lastAt = this.#next.at
      await this.#advance()
    }
  }

  /** Call once after the last batch. */
  async finish(size: number): Promise<void> {
    if (!this.#started) await this.#advance()
    for (; this.#next !== undefined; await this.#advance()) {
      const message = `A checkpoint speaks of ${this.#next.size} batches and the log holds ${size}.`
      this.#problems.add({ kind: 'log-truncated', checkpoint: this.#next.size, batch: size, message })
    }
  }

  /** Moves to the next checkpoint that can be believed. */
  async #advance(): Promise<void> {
    this.#started = true
    this.#next = undefined
    for (;;) {
      const { done, value } = await this.#source.next()
      if (done === true) return
      this.count++
      const checkpoint = openCheckpoint(value, this.#trusted)
      this.#origin ??= checkpoint?.origin
      if (checkpoint === undefined || checkpoint.origin !== this.#origin) {
        this.#problems.add({ kind: 'checkpoint-forged', message: `Checkpoint number ${this.count} is not signed by a trusted key for this log.` })
      } else if (checkpoint.size < this.#lastSize) {
        this.#problems.add({ kind: 'checkpoint-misplaced', checkpoint: checkpoint.size, message: `Checkpoint number ${this.count} speaks of fewer batches than the one before.` })
      } else {
        this.#lastSize = checkpoint.size
        this.#next = checkpoint
        return
      }
    }
  }
}
