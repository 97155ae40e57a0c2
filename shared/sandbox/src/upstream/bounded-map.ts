/** A map that forgets its oldest entry when it is full: for operations, jobs and sessions, which real services forget as well. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Setting an entry again makes it the newest. */
  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const oldest = this.#entries.keys().next()
    if (this.#entries.size > this.#capacity && oldest.done !== true) this.#entries.delete(oldest.value)
  }

  delete(key: string): boolean {
    return this.#entries.delete(key)
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries()
  }
}
