import type { Detector } from './detector.ts'

const MIN_DIGITS = 13
const MAX_DIGITS = 19

/** First and last value of the first four digits, and the lengths that issuers of payment cards use with them. */
const ISSUERS: readonly (readonly [number, number, readonly number[]])[] = [
  [2200, 2204, [16, 17, 18, 19]],
  [2221, 2720, [16]],
  [3000, 3059, [14, 15, 16, 17, 18, 19]],
  [3400, 3499, [15]],
  [3528, 3589, [16, 17, 18, 19]],
  [3600, 3699, [14, 15, 16, 17, 18, 19]],
  [3700, 3799, [15]],
  [3800, 3999, [14, 15, 16, 17, 18, 19]],
  [4000, 4999, [13, 16, 18, 19]],
  [5000, 5099, [13, 14, 15, 16, 17, 18, 19]],
  [5100, 5599, [16]],
  [5600, 5899, [13, 14, 15, 16, 17, 18, 19]],
  [6000, 6999, [13, 14, 15, 16, 17, 18, 19]],
  [8100, 8199, [16, 17, 18, 19]],
  [9792, 9792, [16]],
]

/** Bit n: a card whose first four digits are the index may have n digits. */
const LENGTHS = issuerLengths()

function issuerLengths(): Uint32Array {
  const made = new Uint32Array(10_000)
  for (const [from, to, lengths] of ISSUERS) for (let prefix = from; prefix <= to; prefix++) made[prefix] = lengths.reduce((bits, length) => bits | 1 << length, 0)
  return made
}

/** Payment card numbers of 13 to 19 digits, plain or in groups; also between other groups of digits (date, CVV). */
export const card: Detector = {
  name: 'card',
  hint: /\d(?:[ .-]{0,2}\d){12}/,
  // A loop over codes: ids of many digits stand in most answers, and a pattern costs several times as much.
  find(text, add) {
    let start = -1
    let last = -1
    let count = 0
    for (let at = 0; at <= text.length; at++) {
      const code = at < text.length ? text.charCodeAt(at) : 0
      if (code >= 0x30 && code <= 0x39) {
        if (start === -1) {
          start = at
          count = 0
        }
        count++
        last = at
      } else if (start !== -1 && !(at - last <= 2 && isSeparator(code))) {
        if (count >= MIN_DIGITS) findInRun(text, start, last + 1, count, add)
        start = -1
      }
    }
  },
}

/** At most two stand between the digits of a run. */
function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2d || code === 0x2e
}

/** Tries every window that begins and ends with a group of digits; each costs the same whatever its length. */
function findInRun(text: string, from: number, to: number, count: number, add: (start: number, end: number) => void): void {
  // Ids and counters: one group, which is one card or none.
  if (count === to - from && !isLength(prefixOf(text, from), count)) return
  const digits = new DigitRun(text.slice(from, to))
  for (let first = 0; first + MIN_DIGITS <= digits.count; first++) {
    if (!digits.opensGroup(first)) continue
    const prefix = digits.prefix(first)
    for (let length = MIN_DIGITS; length <= MAX_DIGITS && first + length <= digits.count; length++) {
      const end = first + length
      if (isLength(prefix, length) && digits.opensGroup(end) && digits.luhn(first, end)) add(from + digits.at(first), from + digits.at(end - 1) + 1)
    }
  }
}

function prefixOf(text: string, from: number): number {
  return (text.charCodeAt(from) - 48) * 1000 + (text.charCodeAt(from + 1) - 48) * 100 + (text.charCodeAt(from + 2) - 48) * 10 + text.charCodeAt(from + 3) - 48
}

/** Cards whose first four digits are `prefix` may have so many digits. */
export function isLength(prefix: number, length: number): boolean {
  return length <= MAX_DIGITS && ((LENGTHS[prefix] as number) >> length & 1) === 1
}

/** The digits of a run with running sums in both phases of Luhn's doubling, so that any window is checked by subtraction. */
class DigitRun {
  count = 0
  readonly #places: number[] = []
  readonly #values: number[] = []
  /** Sums with the digits of even index doubled, and of odd index. */
  readonly #even: number[] = [0]
  readonly #odd: number[] = [0]

  constructor(run: string) {
    let even = 0
    let odd = 0
    for (let place = 0; place < run.length; place++) {
      const value = run.charCodeAt(place) - 48
      if (value < 0 || value > 9) continue
      const doubled = value > 4 ? value * 2 - 9 : value * 2
      even += this.count % 2 === 0 ? doubled : value
      odd += this.count % 2 === 0 ? value : doubled
      this.#places.push(place)
      this.#values.push(value)
      this.#even.push(even)
      this.#odd.push(odd)
      this.count++
    }
  }

  at(index: number): number {
    return this.#places[index] ?? 0
  }

  /** True also for the end of the run. */
  opensGroup(index: number): boolean {
    return index === 0 || index >= this.count || this.at(index) > this.at(index - 1) + 1
  }

  prefix(index: number): number {
    let prefix = 0
    for (let at = index; at < index + 4; at++) prefix = prefix * 10 + (this.#values[at] ?? 0)
    return prefix
  }

  /** Every second digit counts double, from the one before the last. */
  luhn(first: number, end: number): boolean {
    const sums = end % 2 === 0 ? this.#even : this.#odd
    return ((sums[end] ?? 0) - (sums[first] ?? 0)) % 10 === 0
  }
}

/** A JSON number that is a card number, also written as `4.111111111111111e15`. */
export function isCardAsNumber(token: string): boolean {
  if (token.length < MIN_DIGITS || token.length > 40) return false
  let digits = token
  if (!/^\d+$/.test(token)) {
    const value = Number(token)
    if (!Number.isSafeInteger(value) || value <= 0) return false
    digits = String(value)
  }
  if (digits.length < MIN_DIGITS || digits.length > MAX_DIGITS) return false
  let found = false
  findInRun(digits, 0, digits.length, digits.length, () => { found = true })
  return found
}
