/** Masks one JSON document chunk by chunk; bytes that nothing is masked in pass as they are. */
import { isUtf8 } from 'node:buffer'
import { cannotMask } from './cannot-mask.ts'
import { isCardAsNumber } from './detectors/card.ts'
import { isPhoneLike } from './detectors/phone.ts'
import type { FieldState } from './field-paths.ts'
import { AT_SIGN, DIGIT, ESCAPED, NOT_ASCII, OTHER_ESCAPE } from './json-grammar.ts'
import { JsonTokens, MAX_DEPTH } from './json-tokens.ts'
import type { TokenSink } from './json-tokens.ts'
import { marker, numberedMarkers } from './marker.ts'
import type { MemberCache } from './member-cache.ts'
import type { MemberFacts } from './member-names.ts'
import { NO_MEMBER } from './member-names.ts'
import type { Masked } from './spans.ts'
import type { ValueMasker } from './value-masker.ts'

/** What all documents masked by one plan share. */
export interface JsonRules {
  readonly values: ValueMasker
  readonly members: MemberCache
  readonly detectors: ReadonlySet<string>
  /** String bytes that alone make a value worth looking at. */
  readonly telltale: number
  /** Bytes of one string or number as written; beyond, the answer cannot be masked. */
  readonly maxStringLength: number
}

/** Shorter strings without a telltale byte hold nothing: the shortest token or base64 run that is looked for has 16 characters. */
const PLAIN_LENGTH = 16
/** Bytes that a reader may take for others. */
const UNPLAIN = ESCAPED | NOT_ASCII | OTHER_ESCAPE
/** The shortest telephone number. */
const DIGITS_LENGTH = 5

const FIELD = Buffer.from(JSON.stringify(marker('field')))
/** Objects stay objects and arrays stay arrays, so that typed clients can still read the answer. */
const FIELD_OBJECT = Buffer.from(JSON.stringify({ [marker('field')]: marker('field') }))
const FIELD_ARRAY = Buffer.from(JSON.stringify([marker('field')]))

export class JsonMasker implements TokenSink {
  masked = 0
  readonly #rules: JsonRules
  readonly #layer: number
  readonly #tokens: JsonTokens
  #out: Uint8Array[] = []
  #bytes: Buffer = Buffer.alloc(0)
  /** The chunk as Latin-1, once a token's text is asked for: slices of it cost next to nothing. */
  #chunkText: string | undefined
  /** First byte of the chunk that was not released yet. */
  #from = 0
  #dropping = false
  readonly #held: Buffer[] = []
  #heldLength = 0
  #heldEnd = 0
  #failure: unknown
  #started = false
  // The way from the root to here, by depth: the container's own field state and member; index 0 is the document.
  #depth = 0
  readonly #isObject: boolean[] = [false]
  readonly #fields: FieldState[]
  readonly #members: MemberFacts[] = [NO_MEMBER]
  readonly #maskedKeys = new Uint32Array(MAX_DEPTH + 1)
  /** Of the value that comes next. */
  #field: FieldState
  #member: MemberFacts = NO_MEMBER

  /** `layer` and `field`: 0 and the plan's root for an answer, others for JSON found inside a string. */
  constructor(rules: JsonRules, layer: number, field: FieldState) {
    this.#rules = rules
    this.#layer = layer
    this.#field = field
    this.#fields = [field]
    this.#tokens = new JsonTokens(this)
  }

  push(chunk: Uint8Array): Uint8Array[] {
    return this.#guarded(() => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      if (bytes.length > 0) this.#started = true
      this.#bytes = bytes
      this.#from = 0
      this.#tokens.push(bytes, this.#whole)
      this.#carry()
    })
  }

  /** An answer without a byte is complete: there is nothing in it. */
  end(): Uint8Array[] {
    return this.#guarded(() => {
      this.#bytes = Buffer.alloc(0)
      this.#from = 0
      if (this.#started) this.#tokens.end(this.#whole)
    })
  }

  /** After a failure nothing more is released, whatever comes. */
  #guarded(work: () => void): Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure
    this.#out = []
    try {
      work()
      return this.#out
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#out = []
      this.#chunkText = undefined
    }
  }

  /** Keeps the token under way and releases what comes before it. */
  #carry(): void {
    if (this.#dropping) return
    const bytes = this.#bytes
    if (!this.#tokens.holding) return this.#release(bytes.length)
    const start = this.#tokens.tokenStart
    if (start !== -1) this.#release(start)
    // A copy: the caller may use its buffer again.
    this.#hold(Buffer.from(bytes.subarray(Math.max(start, 0))))
    this.#tokens.tokenStart = -1
  }

  #hold(part: Buffer): void {
    this.#heldLength += part.length
    if (this.#heldLength > this.#rules.maxStringLength) throw this.#tooLong()
    this.#held.push(part)
  }

  #tooLong(): Error {
    return cannotMask(`it holds a string of more than ${this.#rules.maxStringLength} bytes`)
  }

  readonly #whole = (end: number): Buffer => {
    const token = Buffer.concat([...this.#held, this.#bytes.subarray(0, end)])
    this.#held.length = 0
    this.#heldLength = 0
    this.#heldEnd = end
    return token
  }

  #release(to: number): void {
    if (to > this.#from) this.#out.push(this.#bytes.subarray(this.#from, to))
    this.#from = to
  }

  /** A complete token leaves: as it came, or replaced. */
  #leave(bytes: Buffer, start: number, end: number, replacement: string | undefined): void {
    if (start === -1) {
      this.#out.push(replacement === undefined ? bytes : Buffer.from(JSON.stringify(replacement)))
      this.#from = this.#heldEnd
    } else if (replacement !== undefined) {
      this.#release(start)
      this.#out.push(Buffer.from(JSON.stringify(replacement)))
      this.#from = end
    }
  }

  beforeValue(at: number, first: number): boolean {
    if (this.#depth > 0 && !this.#isObject[this.#depth]) {
      this.#field = this.#top(this.#fields).element()
      this.#member = this.#top(this.#members)
    }
    if (!this.#field.masked) return true
    this.#release(at)
    this.#out.push(first === 0x7b ? FIELD_OBJECT : first === 0x5b ? FIELD_ARRAY : FIELD)
    this.masked++
    this.#dropping = true
    return false
  }

  afterValue(at: number): void {
    this.#dropping = false
    this.#from = at
  }

  open(isObject: boolean): void {
    this.#depth++
    this.#isObject[this.#depth] = isObject
    this.#fields[this.#depth] = this.#field
    this.#members[this.#depth] = this.#member
    this.#maskedKeys[this.#depth] = 0
  }

  close(): void {
    this.#depth--
  }

  key(bytes: Buffer, start: number, end: number, flags: number): void {
    if (end - Math.max(start, 0) > this.#rules.maxStringLength) throw this.#tooLong()
    const member = this.#rules.members.get(this.#text(bytes, start, end, flags))
    this.#member = member
    this.#field = this.#top(this.#fields).member(member.name)
    if (member.masked === undefined) return this.#leave(bytes, start, end, undefined)
    this.masked += member.masked.masked
    const place = this.#maskedKeys[this.#depth] = (this.#maskedKeys[this.#depth] ?? 0) + 1
    this.#leave(bytes, start, end, place === 1 ? member.masked.text : numberedMarkers(member.masked.text, place))
  }

  string(bytes: Buffer, start: number, end: number, flags: number): void {
    const length = end - Math.max(start, 0) - 2
    if (length + 2 > this.#rules.maxStringLength) throw this.#tooLong()
    if ((flags & NOT_ASCII) !== 0) this.#checkUtf8(bytes, start, end)
    const masked = length > 0 && this.#worthLooking(flags, length) ? this.#maskString(this.#text(bytes, start, end, flags), (flags & UNPLAIN) === 0) : undefined
    this.masked += masked?.masked ?? 0
    this.#leave(bytes, start, end, masked?.text)
  }

  number(bytes: Buffer, start: number, end: number): void {
    const length = end - Math.max(start, 0)
    if (length > this.#rules.maxStringLength) throw this.#tooLong()
    const kind = length >= DIGITS_LENGTH && length <= 40 ? this.#numberKind(this.#latin1(bytes, start, end)) : undefined
    if (kind !== undefined) this.masked++
    this.#leave(bytes, start, end, kind === undefined ? undefined : marker(kind))
  }

  #numberKind(token: string): string | undefined {
    if (this.#rules.detectors.has('card') && isCardAsNumber(token)) return 'card'
    return this.#member.phone && isPhoneLike(token) ? 'phone' : undefined
  }

  #worthLooking(flags: number, length: number): boolean {
    if ((flags & this.#rules.telltale) !== 0 || length >= PLAIN_LENGTH) return true
    if (this.#member.secret !== undefined || this.#isBase64) return true
    return (flags & DIGIT) !== 0 && length >= DIGITS_LENGTH
  }

  get #isBase64(): boolean {
    return this.#member.base64 || (this.#isObject[this.#depth] === true && this.#top(this.#members).base64)
  }

  #maskString(text: string, plain: boolean): Masked | undefined {
    const secret = this.#member.secret
    if (secret !== undefined) return { text: marker(secret), masked: 1 }
    if (this.#member.phone && isPhoneLike(text)) return { text: marker('phone'), masked: 1 }
    return this.#rules.values.mask(text, { layer: this.#layer, field: this.#field, base64: this.#isBase64, plain })
  }

  #checkUtf8(bytes: Buffer, start: number, end: number): void {
    if (!isUtf8(bytes.subarray(Math.max(start, 0), end))) throw cannotMask('it is not valid UTF-8')
  }

  #text(bytes: Buffer, start: number, end: number, flags: number): string {
    const from = Math.max(start, 0)
    if ((flags & (ESCAPED | NOT_ASCII)) === 0) return this.#latin1(bytes, start, end).slice(1, -1)
    if ((flags & NOT_ASCII) !== 0) this.#checkUtf8(bytes, start, end)
    return (flags & ESCAPED) === 0 ? bytes.toString('utf8', from + 1, end - 1) : JSON.parse(bytes.toString('utf8', from, end)) as string
  }

  #latin1(bytes: Buffer, start: number, end: number): string {
    if (start === -1) return bytes.toString('latin1')
    this.#chunkText ??= bytes.toString('latin1')
    return this.#chunkText.slice(start, end)
  }

  #top<T>(stack: readonly T[]): T {
    return stack[this.#depth] as T
  }
}

/** Telltale bytes for these detectors. */
export function telltaleBytes(detectors: ReadonlySet<string>): number {
  return UNPLAIN | (detectors.has('email') ? AT_SIGN : 0)
}
