/**
 * Which facts of other services stand in the log. It is read out of the log's own segments, so a fact and the memory of it become
 * durable in one write. Bounded: the newest are remembered, and of older ones it says that it does not know.
 */
import { hash } from 'node:crypto'
import type { StoredRecord } from '@lockkeeper/transparency-log'

/** What a saved state keeps of it. */
export interface SavedFacts {
  readonly from: number
  readonly seen: readonly (readonly [name: string, at: number])[]
}

export class RememberedFacts {
  readonly #most: number
  readonly #seen: Map<string, number>
  /** Epoch ms. Facts that happened since then are all remembered. */
  #from: number

  constructor(most: number, { from, seen }: SavedFacts = { from: 0, seen: [] }) {
    this.#most = most
    this.#from = from
    this.#seen = new Map(seen)
  }

  /** `at`: when it happened, epoch ms. Undefined: only the log itself knows. */
  has(name: string, at: number): boolean | undefined {
    return this.#seen.has(name) ? true : at < this.#from ? undefined : false
  }

  /** A record of the audit service's own has become durable. */
  note(record: StoredRecord): void {
    const name = nameInRecord(record)
    if (name === undefined || record.at < this.#from) return
    this.#seen.set(name, record.at)
    // A quarter more, so that not each new fact sorts all of them.
    if (this.#seen.size > this.#most * 1.25) this.#forget()
  }

  saved(): SavedFacts {
    return { from: this.#from, seen: [...this.#seen] }
  }

  #forget(): void {
    const oldest = [...this.#seen].sort(([, one], [, other]) => one - other).slice(0, this.#seen.size - this.#most)
    for (const [name] of oldest) this.#seen.delete(name)
    this.#from = (oldest.at(-1) as readonly [string, number])[1] + 1
    // Others of that same ms: what is not all remembered is not vouched for.
    for (const [name, at] of this.#seen) if (at < this.#from) this.#seen.delete(name)
  }
}

/** An event's source and id, the pair that makes it one, in 22 characters. */
export function factName(source: string, event: string): string {
  return hash('sha256', JSON.stringify([source, event]), 'base64url').slice(0, 22)
}

/** Undefined: the record tells of no event of another service. */
export function nameInRecord(record: StoredRecord): string | undefined {
  if (record.kind !== 'event') return undefined
  const { event, source } = record.facts ?? {}
  return event === undefined || source === undefined ? undefined : factName(source, event)
}
