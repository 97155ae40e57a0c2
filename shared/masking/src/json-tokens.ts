/**
 * A strict JSON tokenizer over chunks of bytes. Strings and numbers are handed over whole, wherever chunks are cut; nothing
 * else is kept. One code for whole documents and for streams, so both give the same bytes.
 */
import { cannotMask } from './cannot-mask.ts'
import { ESCAPED, escapeLength, isHexDigit, isSpace, LITERALS, NUMBER_ILLEGAL, numberMayEnd, numberStart, numberStep, STOP, STRING_FLAGS } from './json-grammar.ts'

/** Containers inside one another; Google's own parsers stop at 100 as well. */
export const MAX_DEPTH = 100

/** What happens to the document's parts. Positions are in the chunk at hand; −1 as `start`: the token began in an earlier one. */
export interface TokenSink {
  /** A value begins with this byte. False: it is dropped, its tokens are not handed over until `afterValue`. */
  beforeValue(at: number, first: number): boolean
  /** `bytes.subarray(start, end)` is the token, quotes included. `flags`: which bytes occur, see json-grammar.ts. */
  key(bytes: Buffer, start: number, end: number, flags: number): void
  string(bytes: Buffer, start: number, end: number, flags: number): void
  number(bytes: Buffer, start: number, end: number): void
  open(isObject: boolean): void
  close(): void
  /** The value that the last `beforeValue` at this depth announced ends before `at`. */
  afterValue(at: number): void
}

type State = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma' | 'done' | 'string' | 'key-string' | 'number' | 'literal'

export class JsonTokens {
  /** Containers open now. */
  depth = 0
  /** Where the held token begins in the chunk at hand; −1: none is held. */
  tokenStart = -1
  readonly #sink: TokenSink
  /** By depth; grows with the document, which is cheaper than a typed array for each of many small ones. */
  readonly #isObject: number[] = []
  #state: State = 'value'
  #position = 0
  #flags = 0
  /** Bytes of an escape still to come: 0 none, 1–4 hexadecimal digits, 5 the byte after the backslash. */
  #escape = 0
  #row = 0
  #word = ''
  #matched = 0
  #handOver = true

  constructor(sink: TokenSink) {
    this.#sink = sink
  }

  get complete(): boolean {
    return this.#state === 'done'
  }

  /** True while a string's or number's bytes must be kept for `key`, `string` or `number`. */
  get holding(): boolean {
    return this.#handOver && (this.#state === 'string' || this.#state === 'key-string' || this.#state === 'number')
  }

  /**
   * `held`: the bytes of the token under way from earlier chunks; it is called when the token is complete, with the end of its
   * rest in this chunk, and gives all of its bytes. Throws CANNOT_MASK.
   */
  push(bytes: Buffer, whole: (end: number) => Buffer): void {
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'string':
        case 'key-string': at = this.#inString(bytes, at, whole); break
        case 'number': at = this.#inNumber(bytes, at, whole); break
        case 'literal': at = this.#inLiteral(bytes, at); break
        default: at = this.#structure(bytes, at)
      }
    }
    this.#position += bytes.length
  }

  /** Throws CANNOT_MASK when the document is not complete. */
  end(whole: (end: number) => Buffer): void {
    if (this.#state === 'number') this.#endNumber(EMPTY, 0, whole)
    if (this.#state !== 'done') throw this.#illegal(0)
  }

  #illegal(at: number): Error {
    return cannotMask(`it is not valid JSON at byte ${this.#position + at}`)
  }

  #structure(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length && isSpace(bytes[at] ?? 0)) at++
    if (at === bytes.length) return at
    const byte = bytes[at] ?? 0
    const state = this.#state
    if (state === 'comma') this.#afterMember(byte, at)
    else if (state === 'colon' && byte === 0x3a) this.#state = 'value'
    else if ((state === 'key' || state === 'key-or-end') && byte === 0x22) this.#beginString(at, 'key-string')
    else if (state === 'key-or-end' && byte === 0x7d) this.#close(at)
    else if (state === 'value-or-end' && byte === 0x5d) this.#close(at)
    else if (state === 'value' || state === 'value-or-end') this.#beginValue(byte, at)
    else throw this.#illegal(at)
    return at + 1
  }

  #afterMember(byte: number, at: number): void {
    const isObject = this.#isObject[this.depth] === 1
    if (byte === 0x2c) this.#state = isObject ? 'key' : 'value'
    else if (byte === (isObject ? 0x7d : 0x5d)) this.#close(at)
    else throw this.#illegal(at)
  }

  #beginValue(byte: number, at: number): void {
    // A value inside a dropped one is dropped with it and not announced.
    const announced = this.#handOver
    if (announced) this.#handOver = this.#sink.beforeValue(at, byte)
    if (announced && !this.#handOver) this.#droppedAt = this.depth
    if (byte === 0x22) this.#beginString(at, 'string')
    else if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x7b, at)
    else if (LITERALS.has(byte)) this.#beginLiteral(byte)
    else this.#beginNumber(byte, at)
  }

  #droppedAt = -1

  #open(isObject: boolean, at: number): void {
    if (this.depth === MAX_DEPTH) throw cannotMask(`it is nested deeper than ${MAX_DEPTH} at byte ${this.#position + at}`)
    this.depth++
    this.#isObject[this.depth] = isObject ? 1 : 0
    if (this.#handOver) this.#sink.open(isObject)
    this.#state = isObject ? 'key-or-end' : 'value-or-end'
  }

  #close(at: number): void {
    this.depth--
    if (this.#handOver) this.#sink.close()
    this.#endValue(at + 1)
  }

  #endValue(at: number): void {
    if (!this.#handOver && this.#droppedAt === this.depth) {
      this.#handOver = true
      this.#droppedAt = -1
      this.#sink.afterValue(at)
    }
    this.#state = this.depth === 0 ? 'done' : 'comma'
  }

  #beginString(at: number, state: 'string' | 'key-string'): void {
    this.#state = state
    this.#flags = 0
    this.tokenStart = at
  }

  #inString(bytes: Buffer, from: number, whole: (end: number) => Buffer): number {
    let at = from
    let flags = this.#flags
    const length = bytes.length
    while (at < length) {
      if (this.#escape !== 0) {
        this.#escaped(bytes[at] ?? 0, at)
        at++
        continue
      }
      // In bounds by construction; a fallback value would cost a fifth of the speed here.
      let seen = 0
      while (at < length && ((seen = STRING_FLAGS[bytes[at] as number] as number) & STOP) === 0) {
        flags |= seen
        at++
      }
      if (at === length) break
      if ((seen & ESCAPED) !== 0) {
        flags |= ESCAPED
        this.#escape = 5
      } else if (bytes[at] === 0x22) {
        this.#flags = flags
        this.#endString(bytes, at + 1, whole)
        return at + 1
      } else throw this.#illegal(at)
      at++
    }
    this.#flags = flags
    return at
  }

  #escaped(byte: number, at: number): void {
    if (this.#escape < 5) {
      if (!isHexDigit(byte)) throw this.#illegal(at)
      this.#escape--
      return
    }
    const length = escapeLength(byte)
    if (length === 0) throw this.#illegal(at)
    this.#escape = length === 4 ? 4 : 0
  }

  #endString(bytes: Buffer, end: number, whole: (end: number) => Buffer): void {
    const isKey = this.#state === 'key-string'
    if (this.#handOver) {
      const start = this.tokenStart
      const token = start === -1 ? whole(end) : bytes
      if (isKey) this.#sink.key(token, start, start === -1 ? token.length : end, this.#flags)
      else this.#sink.string(token, start, start === -1 ? token.length : end, this.#flags)
    }
    this.tokenStart = -1
    if (isKey) this.#state = 'colon'
    else this.#endValue(end)
  }

  #beginNumber(byte: number, at: number): void {
    this.#row = numberStart(byte)
    if (this.#row === -1) throw this.#illegal(at)
    this.#state = 'number'
    this.tokenStart = at
  }

  #inNumber(bytes: Buffer, from: number, whole: (end: number) => Buffer): number {
    let at = from
    while (at < bytes.length) {
      const next = numberStep(this.#row, bytes[at] ?? 0)
      if (next === NUMBER_ILLEGAL) throw this.#illegal(at)
      if (next === -1) {
        this.#endNumber(bytes, at, whole)
        return at
      }
      this.#row = next
      at++
    }
    return at
  }

  #endNumber(bytes: Buffer, end: number, whole: (end: number) => Buffer): void {
    if (!numberMayEnd(this.#row)) throw this.#illegal(end)
    if (this.#handOver) {
      const start = this.tokenStart
      const token = start === -1 ? whole(end) : bytes
      this.#sink.number(token, start, start === -1 ? token.length : end)
    }
    this.tokenStart = -1
    this.#endValue(end)
  }

  #beginLiteral(byte: number): void {
    this.#word = LITERALS.get(byte) ?? ''
    this.#matched = 1
    this.#state = 'literal'
  }

  #inLiteral(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length && this.#matched < this.#word.length) {
      if (bytes[at] !== this.#word.charCodeAt(this.#matched)) throw this.#illegal(at)
      this.#matched++
      at++
    }
    if (this.#matched === this.#word.length) this.#endValue(at)
    return at
  }
}

const EMPTY = Buffer.alloc(0)
