/** Regular expressions that take time linear in the text, whatever the pattern (RE2). */
import { RE2JS } from 're2js'

/** Characters of one pattern. */
const MAX_PATTERN_LENGTH = 256
const MAX_PROGRAM_SIZE = 2_000
const MAX_PATTERNS = 20_000
/** Characters that all `re2()` calls of one evaluation look at together. */
const MAX_MATCHED_CHARACTERS = 256 * 1024

/** Thrown inside an evaluation; becomes its error. */
export class MatchBudgetSpent extends Error {}

/** Patterns are compiled when the condition is; none is ever built from data. */
export class LinearPatterns {
  readonly #compiled = new Map<string, RE2JS>()
  #left = MAX_MATCHED_CHARACTERS

  /** Undefined when the pattern is ready, else what is wrong with it. */
  prepare(pattern: string): string | undefined {
    if (this.#compiled.has(pattern)) return undefined
    if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`
    if (this.#compiled.size >= MAX_PATTERNS) return `more than ${MAX_PATTERNS} patterns`
    try {
      const compiled = RE2JS.compile(pattern)
      if (compiled.programSize() > MAX_PROGRAM_SIZE) return 'the pattern is too large once its repetitions are written out'
      this.#compiled.set(pattern, compiled)
      return undefined
    } catch (error) {
      return `the pattern is not RE2: ${(error as Error).message}`
    }
  }

  /** Begins one evaluation. */
  refill(): void {
    this.#left = MAX_MATCHED_CHARACTERS
  }

  test(text: string, pattern: string): boolean {
    const compiled = this.#compiled.get(pattern)
    if (compiled === undefined) throw new TypeError('a pattern was not prepared')
    this.#left -= text.length
    if (this.#left < 0) throw new MatchBudgetSpent('too much text for re2()')
    return compiled.test(text)
  }
}
