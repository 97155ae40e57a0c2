import type { Detector } from './detector.ts'

/** 13 or more digits with at most two separators between neighbours: a run that may hold card numbers. */
const RUN = /\d(?:[ .-]{0,2}\d){12,}/g
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

/** Payment card numbers of 13 to 19 digits, plain or in groups; also between other groups of digits (date, CVV). */
export const card: Detector = {
  name: 'card',
  hint: /\d(?:[ .-]{0,2}\d){12}/,
  find(text, add) {
    for (const run of text.matchAll(RUN)) findInRun(run[0], (start, end) => { add(run.index + start, run.index + end) })
  },
}

/** Tries every window that begins and ends with a group of digits; each costs the same whatever its length. */
function findInRun(run: string, add: (start: number, end: number) => void): void {
  // Ids and counters: one group, and no card is longer.
  if (run.length > MAX_DIGITS && /^\d+$/.test(run)) return
  const digits = new DigitRun(run)
  for (let first = 0; first + MIN_DIGITS <= digits.count; first++) {
    if (!digits.opensGroup(first)) continue
    const lengths = issuerLengths(digits, first)
    for (const length of lengths) {
      const end = first + length
      if (end <= digits.count && digits.opensGroup(end) && digits.luhn(first, end)) add(digits.at(first), digits.at(end - 1) + 1)
    }
  }
}

function issuerLengths(digits: DigitRun, first: number): readonly number[] {
  const prefix = digits.prefix(first)
  return ISSUERS.find(([from, to]) => prefix >= from && prefix <= to)?.[2] ?? []
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
  findInRun(digits, () => { found = true })
  return found
}
