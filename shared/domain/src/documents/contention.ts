/**
 * Transactions that lost a race wait in line for the documents they lost, so that a hot document costs each of them one
 * more attempt instead of starving all but the fastest.
 */
import { PortUnavailable } from '../ports.ts'

/** Transactions that may stand in one line. */
const MAX_LINE = 10_000

interface Line { tail: Promise<void>, length: number }

export class ContendedDocuments {
  readonly #lines = new Map<string, Line>()

  /** Those of the keys that someone holds or waits for. */
  contended(keys: readonly string[]): string[] {
    return this.#lines.size === 0 ? [] : keys.filter(key => this.#lines.has(key))
  }

  /**
   * Resolves with the way out once all keys are held; sorted, so that two that want the same keys never wait for each other.
   * Whoever holds keys and needs more leaves first.
   */
  async enter(keys: readonly string[]): Promise<() => void> {
    const leaves: (() => void)[] = []
    const leave = (): void => { for (const each of leaves.splice(0)) each() }
    try {
      for (const key of [...new Set(keys)].sort()) leaves.push(await this.#join(key))
    } catch (error) {
      leave()
      throw error
    }
    return leave
  }

  async #join(key: string): Promise<() => void> {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), length: 0 }
    if (line.length >= MAX_LINE) throw new PortUnavailable(`${line.length} transactions wait for one document`)
    this.#lines.set(key, line)
    const before = line.tail
    const { promise, resolve } = Promise.withResolvers<void>()
    line.tail = promise
    line.length += 1
    await before
    return () => {
      line.length -= 1
      if (line.length === 0) this.#lines.delete(key)
      resolve()
    }
  }
}
