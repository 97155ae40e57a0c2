import type { MemberFacts } from './member-names.ts'
import { memberFacts } from './member-names.ts'
import type { Masked } from './spans.ts'

export interface KnownMember extends MemberFacts {
  /** The name itself holds something to mask (maps by e-mail address). */
  readonly masked: Masked | undefined
}

/** Names kept: answers repeat a few names thousands of times. Names beyond are worked out each time, so documents cannot fill memory. */
const MAX_NAMES = 2000
const MAX_NAME_LENGTH = 200

/** What is known of member names, once per plan. */
export class MemberCache {
  readonly #known = new Map<string, KnownMember>()
  readonly #detectors: ReadonlySet<string>
  readonly #maskName: (name: string) => Masked | undefined

  constructor(detectors: ReadonlySet<string>, maskName: (name: string) => Masked | undefined) {
    this.#detectors = detectors
    this.#maskName = maskName
  }

  get(name: string): KnownMember {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const member = { ...memberFacts(name, this.#detectors), masked: this.#maskName(name) }
    if (this.#known.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH) this.#known.set(copied(name), member)
    return member
  }
}

/** Names come as slices of a whole chunk's text; a kept slice would keep the chunk. */
function copied(name: string): string {
  return Buffer.from(name, 'utf16le').toString('utf16le')
}
