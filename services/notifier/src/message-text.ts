/** What a message is made of, and texts of others made fit for it. */
import { strike } from '@lockkeeper/service-kit'

export interface Words {
  /** One short line: what this is. */
  readonly headline: string
  /** What is asked for, in plain words. */
  readonly title: string
  readonly facts: readonly (readonly [label: string, text: string])[]
  /** What becomes of the resource's fields, where it was read beforehand. */
  readonly changes: readonly string[]
  /** What is sent; of calls that are only told of: which. */
  readonly details: readonly string[]
  /** What to be careful about. */
  readonly notes: readonly string[]
  /** Where it stands; ends with how and by whom, once that is so. */
  readonly standing: string
}

/** RFC 3339, UTC, whole seconds. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

/** Without what could hide, reorder or start a new line in a field, and without what looks like a credential. */
export function plain(text: string): string {
  return strike(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')).slice(0, 2000).toWellFormed()
}
