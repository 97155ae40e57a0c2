/** The border between JavaScript's values and CEL's. */
import { JsonNumber } from '@lockkeeper/domain/json'

/** Elements of one list, or members of one map, that a condition looks at; larger ones are an error when touched. */
export const MAX_ELEMENTS = 1_000
/** Characters of one text that a condition looks at; functions of texts take time linear in it. */
const MAX_TEXT = 256 * 1024
/** Nesting levels that are converted; deeper values are an error when touched. */
const MAX_NESTING = 100

const INTEGER = /^-?\d+$/
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Stands where a value was too large to look at. CEL knows no such type, so every operation on it is an error. */
export class CannotInspect {
  readonly why: string
  constructor(why: string) { this.why = why }
}

/** Stands for a value that exists and that nobody has read yet; every operation on it is an error. */
export class NotKnown {}
export const NOT_KNOWN = Object.freeze(new NotKnown())

const LIST_TOO_LONG = Object.freeze(new CannotInspect('a list of more than 1,000 elements'))
const MAP_TOO_LARGE = Object.freeze(new CannotInspect('an object of more than 1,000 members'))
const TEXT_TOO_LONG = Object.freeze(new CannotInspect('a text of more than 262,144 characters'))
const TOO_DEEP = Object.freeze(new CannotInspect('a value nested deeper than 100 levels'))

/**
 * A value as CEL reads it: whole numbers become int (bigint) whatever way they are written, others double; objects
 * become Maps, so that a member called `constructor` is a member and nothing else. Time values stay as they are.
 */
export function toCel(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string': return value.length > MAX_TEXT ? TEXT_TOO_LONG : value
    case 'boolean': case 'bigint': return value
    case 'number': return celNumber(value)
    case 'object': break
    default: return null
  }
  if (value === null || value instanceof Date || value instanceof CannotInspect || value instanceof NotKnown) return value
  if (value instanceof JsonNumber) return celJsonNumber(value.text)
  if (depth >= MAX_NESTING) return TOO_DEEP
  if (Array.isArray(value)) return value.length > MAX_ELEMENTS ? LIST_TOO_LONG : value.map((item) => toCel(item, depth + 1))
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value)
  if (entries.length > MAX_ELEMENTS) return MAP_TOO_LARGE
  const map = new Map<unknown, unknown>()
  for (const [key, member] of entries) if (member !== undefined) map.set(key, toCel(member, depth + 1))
  return map
}

function celNumber(value: number): number | bigint {
  return Number.isSafeInteger(value) ? BigInt(value) : value
}

function celJsonNumber(text: string): number | bigint {
  if (!INTEGER.test(text)) return Number(text)
  const whole = BigInt(text)
  return whole >= INT64_MIN && whole <= INT64_MAX ? whole : Number(text)
}
