/** Which bodies were sent lately: a bounded memory that forgets the longest unused hash first. */
export class RecentHashes {
  readonly #limit: number
  readonly #hashes = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** True the first time, and again once the hash was forgotten. */
  isNew(hash: string): boolean {
    const known = this.#hashes.delete(hash)
    this.#hashes.add(hash)
    if (this.#hashes.size > this.#limit) this.#hashes.delete(this.#hashes.values().next().value as string)
    return !known
  }
}
