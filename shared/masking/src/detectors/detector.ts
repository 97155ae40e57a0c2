/**
 * One kind of value that must not leave.
 *
 * `find` is linear in the text for every input: it goes from anchor to anchor, and what it looks at around one is bounded or
 * is passed over afterwards. No match crosses a line break, so a text may be searched line by line. What is found may be too
 * much, never a part of a value.
 */
export interface Detector {
  readonly name: string
  /** Matches in every text in which `find` could find something; without flags, so that several can be joined into one. */
  readonly hint: RegExp
  find(text: string, add: (start: number, end: number) => void): void
}

/** A detector for tokens that a fixed beginning gives away. `pattern`: its prefix and one class with an open-ended count, nothing after it. */
export function tokenDetector(name: string, hint: RegExp, patterns: readonly RegExp[]): Detector {
  return {
    name,
    hint,
    find(text, add) {
      for (const pattern of patterns) {
        for (const match of text.matchAll(pattern)) add(match.index, match.index + match[0].length)
      }
    },
  }
}
