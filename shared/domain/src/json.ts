/**
 * Strict JSON (RFC 8259) and its canonical form. Parsed once; what was parsed is judged, digested and sent.
 * Refused beyond the grammar: duplicate keys, invalid UTF-8, byte order marks, lone surrogates, deep nesting.
 */
import { refuse, type Refusal } from './errors.ts'

/** A JSON number kept as its canonical text, so that no digit is lost between judging and sending. */
export class JsonNumber {
  readonly text: string
  /** `text` must come from `canonicalNumber`; use `jsonNumber` for a JavaScript number. */
  constructor(text: string) { this.text = text }
}
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject
export interface JsonObject { readonly [key: string]: Json }

export interface JsonLimits {
  /** Nesting levels, default 100 (protobuf's own limit). */
  readonly maxDepth?: number
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN_STRING = /[^"\\\u0000-\u001f]*/y
const MAX_NUMBER_LENGTH = 400
const MAX_EXPONENT = 10_000

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}

/** Parses a whole document. REQUEST_AMBIGUOUS for what two readers could read differently, REQUEST_INVALID for what nobody can. */
export function parseStrict(source: string | Uint8Array, limits: JsonLimits = {}): Json | Refusal {
  let text: string
  try {
    text = typeof source === 'string' ? source : decoder.decode(source)
  } catch {
    return refuse('REQUEST_AMBIGUOUS', 'The JSON body is not valid UTF-8.')
  }
  try {
    return new Parser(text, limits.maxDepth ?? 100).document()
  } catch (error) {
    if (error instanceof Fault) return refuse(error.ambiguous ? 'REQUEST_AMBIGUOUS' : 'REQUEST_INVALID', `The JSON body is refused at character ${error.at}: ${error.message}.`)
    throw error
  }
}

class Fault extends Error {
  readonly at: number
  readonly ambiguous: boolean
  constructor(message: string, at: number, ambiguous = false) {
    super(message)
    this.at = at
    this.ambiguous = ambiguous
  }
}

class Parser {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0
  #depth = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  document(): Json {
    if (this.#text.charCodeAt(0) === 0xfeff) throw new Fault('it begins with a byte order mark', 0, true)
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) throw new Fault('something follows the document', this.#at)
    return value
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #value(): Json {
    this.#space()
    const char = this.#text[this.#at]
    if (char === '{') return this.#nested(() => this.#object())
    if (char === '[') return this.#nested(() => this.#array())
    if (char === '"') return this.#string()
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return this.#number()
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.#maxDepth) throw new Fault(`it is nested deeper than ${this.#maxDepth} levels`, this.#at)
    const value = read()
    this.#depth--
    return value
  }

  #object(): JsonObject {
    const object = Object.create(null) as Record<string, Json>
    this.#at++
    this.#space()
    if (this.#take('}')) return object
    do {
      this.#space()
      const start = this.#at
      if (this.#text[start] !== '"') throw new Fault('a key must stand here', start)
      const key = this.#string()
      if (key in object) throw new Fault('a key stands twice in one object', start, true)
      this.#space()
      if (!this.#take(':')) throw new Fault('a colon must stand here', this.#at)
      object[key] = this.#value()
      this.#space()
    } while (this.#take(','))
    if (!this.#take('}')) throw new Fault('a comma or closing brace must stand here', this.#at)
    return object
  }

  #array(): readonly Json[] {
    const items: Json[] = []
    this.#at++
    this.#space()
    if (this.#take(']')) return items
    do {
      items.push(this.#value())
      this.#space()
    } while (this.#take(','))
    if (!this.#take(']')) throw new Fault('a comma or closing bracket must stand here', this.#at)
    return items
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #string(): string {
    const start = ++this.#at
    let value = ''
    for (;;) {
      PLAIN_STRING.lastIndex = this.#at
      PLAIN_STRING.exec(this.#text)
      value += this.#text.slice(this.#at, PLAIN_STRING.lastIndex)
      this.#at = PLAIN_STRING.lastIndex
      const char = this.#text[this.#at]
      if (char === '"') break
      if (char !== '\\') throw new Fault(char === undefined ? 'a string does not end' : 'a control character stands in a string', this.#at)
      value += this.#escape()
    }
    this.#at++
    if (!value.isWellFormed()) throw new Fault('a string holds half a surrogate pair', start, true)
    return value
  }

  #escape(): string {
    const kind = this.#text[this.#at + 1] ?? ''
    if (kind === 'u') {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw new Fault('an escape is malformed', this.#at)
      this.#at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const plain = ESCAPES[kind]
    if (plain === undefined) throw new Fault('an escape is malformed', this.#at)
    this.#at += 2
    return plain
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)
    if (found === null) throw new Fault('a value must stand here', this.#at)
    const canonical = canonicalNumber(found[0])
    if (canonical === undefined) throw new Fault('a number is out of range', this.#at)
    this.#at = NUMBER.lastIndex
    return new JsonNumber(canonical)
  }
}

const WORDS = [['true', true], ['false', false], ['null', null]] as const
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** The one text of a number's value: `1.0`, `1e0` and `1` are `1`; every digit is kept. Undefined: out of bounds. */
export function canonicalNumber(text: string): string | undefined {
  if (text.length > MAX_NUMBER_LENGTH) return undefined
  const negative = text.startsWith('-')
  const [mantissa = '', exponentText = '0'] = text.slice(negative ? 1 : 0).toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  const sign = negative ? '-' : ''
  if (significant === '') return `${sign}0`
  // value = 0.SIGNIFICANT × 10^point
  const point = digits.length - fraction.length + exponent
  if (point > 21 || point < -5) {
    const tail = significant.length > 1 ? `.${significant.slice(1)}` : ''
    return `${sign}${significant[0]}${tail}e${point - 1}`
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${significant}`
  if (point >= significant.length) return `${sign}${significant}${'0'.repeat(point - significant.length)}`
  return `${sign}${significant.slice(0, point)}.${significant.slice(point)}`
}

/** A JavaScript number as a JSON one. TypeError for NaN and infinities. */
export function jsonNumber(value: number): JsonNumber {
  if (!Number.isFinite(value)) throw new TypeError('JSON has no number for it')
  return new JsonNumber(canonicalNumber(String(value)) ?? '0')
}

/** Canonical text: keys sorted by UTF-16 code units, no space, shortest escapes, canonical numbers. */
export function serialise(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof JsonNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(serialise).join(',')}]`
  const object = value as JsonObject
  const members = Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${serialise(object[key] as Json)}`)
  return `{${members.join(',')}}`
}

/** Plain JavaScript data: numbers become numbers where exact, else bigint or their text. */
export function toPlain(value: Json): unknown {
  if (value instanceof JsonNumber) return plainNumber(value.text)
  if (Array.isArray(value)) return value.map(toPlain)
  if (!isJsonObject(value)) return value
  const plain = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(value)) plain[key] = toPlain(value[key] as Json)
  return plain
}

function plainNumber(text: string): number | bigint {
  const number = Number(text)
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(number)) return BigInt(text)
  return number
}

/** The other way: plain data of our own making as JSON. `undefined` members are left out; anything JSON lacks is a TypeError. */
export function fromPlain(value: unknown): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return jsonNumber(value)
  if (typeof value === 'bigint') return new JsonNumber(value.toString())
  if (Array.isArray(value)) return value.map(fromPlain)
  if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`)
  const object = Object.create(null) as Record<string, Json>
  for (const [key, member] of Object.entries(value)) if (member !== undefined) object[key] = fromPlain(member)
  return object
}
