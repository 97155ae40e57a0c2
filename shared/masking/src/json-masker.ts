/** Masks one JSON document chunk by chunk; bytes that nothing is masked in pass as they are. */
import { isUtf8 } from 'node:buffer'
import { cannotMask } from './cannot-mask.ts'
import { isCardAsNumber } from './detectors/card.ts'
import { isPemBody, PEM } from './detectors/pem.ts'
import { isPhoneLike } from './detectors/phone.ts'
import { DocumentPath } from './document-path.ts'
import type { FieldState } from './field-paths.ts'
import { HeldBytes } from './held-bytes.ts'
import { AT_SIGN, DIGIT, ESCAPED, NOT_ASCII, OTHER_ESCAPE } from './json-grammar.ts'
import { JsonTokens } from './json-tokens.ts'
import type { TokenSink } from './json-tokens.ts'
import { marker, numberedMarkers } from './marker.ts'
import type { MemberCache } from './member-cache.ts'
import type { Masked } from './spans.ts'
import type { ValueMasker } from './value-masker.ts'
import { BASE64, JSON_START, shapeOf, SHAPES, TOKEN } from './value-shape.ts'

/** What all documents masked by one plan share. */
export interface JsonRules {
  readonly values: ValueMasker
  readonly members: MemberCache
  readonly detectors: ReadonlySet<string>
  /** String bytes that alone make a value worth looking at. */
  readonly telltale: number
  /** Shapes of plain strings that a detector of the plan could find something in. */
  readonly shapes: number
  /** Bytes of one string or number as written; beyond, the answer cannot be masked. */
  readonly maxStringLength: number
}

/** Shorter strings without a telltale byte or digits hold nothing: tokens and base64 that have neither are looked for from 16 characters on. */
const PLAIN_LENGTH = 16
/** Bytes that a reader may take for others. */
const UNPLAIN = ESCAPED | NOT_ASCII | OTHER_ESCAPE
/** The shortest telephone number. */
const DIGITS_LENGTH = 5
/** Values after the beginning of a private key that are taken for its lines, where a list holds one line each. */
const MAX_KEY_VALUES = 200

const FIELD = Buffer.from(JSON.stringify(marker('field')))
/** Objects stay objects and arrays stay arrays, so that typed clients can still read the answer. */
const FIELD_OBJECT = Buffer.from(JSON.stringify({ [marker('field')]: marker('field') }))
const FIELD_ARRAY = Buffer.from(JSON.stringify([marker('field')]))

export class JsonMasker implements TokenSink {
  masked = 0
  readonly #rules: JsonRules
  readonly #layer: number
  readonly #tokens: JsonTokens
  readonly #path: DocumentPath
  readonly #held: HeldBytes
  /** End of the held token in the chunk at hand. */
  #heldEnd = 0
  #out: Uint8Array[] = []
  #bytes: Buffer = Buffer.alloc(0)
  /** The chunk as Latin-1, once a token's text is asked for: slices of it cost next to nothing. */
  #chunkText: string | undefined
  /** First byte of the chunk that was not released yet. */
  #from = 0
  #dropping = false
  #failure: unknown
  #started = false
  /** A private key that began in a value and did not end there: lists of lines and log entries hold the rest in the same place. */
  #openKey: { readonly member: string, readonly depth: number, left: number } | undefined

  /** `layer` and `field`: 0 and the plan's root for an answer, others for JSON found inside a string. */
  constructor(rules: JsonRules, layer: number, field: FieldState) {
    this.#rules = rules
    this.#layer = layer
    this.#path = new DocumentPath(field)
    this.#held = new HeldBytes(rules.maxStringLength, () => this.#tooLong())
    this.#tokens = new JsonTokens(this)
  }

  /** Containers that were open when it was last called. */
  get depth(): number {
    return this.#tokens.depth
  }

  push(chunk: Uint8Array): Uint8Array[] {
    return this.#guarded(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), bytes => {
      if (bytes.length > 0) this.#started = true
      this.#tokens.push(bytes, this.#whole)
      this.#carry()
    })
  }

  /** An answer without a byte is complete: there is nothing in it. */
  end(): Uint8Array[] {
    return this.#guarded(Buffer.alloc(0), () => {
      if (this.#started) this.#tokens.end(this.#whole)
    })
  }

  /** After a failure nothing more is released, whatever comes. */
  #guarded(bytes: Buffer, work: (bytes: Buffer) => void): Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure
    const out: Uint8Array[] = []
    this.#out = out
    this.#bytes = bytes
    this.#from = 0
    try {
      work(bytes)
      return out
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
    this.#held.add(bytes.subarray(Math.max(start, 0)))
    this.#tokens.tokenStart = -1
  }

  #tooLong(): Error {
    return cannotMask(`it holds a string of more than ${this.#rules.maxStringLength} bytes`)
  }

  readonly #whole = (end: number): Buffer => {
    this.#heldEnd = end
    return this.#held.take(this.#bytes.subarray(0, end))
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
    this.#path.enterValue()
    if (!this.#path.field.masked) return true
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
    this.#path.open(isObject)
  }

  close(): void {
    this.#path.close()
  }

  key(bytes: Buffer, start: number, end: number, flags: number): void {
    this.#checkLength(start, end)
    const member = this.#rules.members.get(this.#text(bytes, start, end, flags))
    this.#path.enterMember(member)
    if (member.masked === undefined) return this.#leave(bytes, start, end, undefined)
    this.masked += member.masked.masked
    const place = this.#path.nextMaskedName()
    this.#leave(bytes, start, end, place === 1 ? member.masked.text : numberedMarkers(member.masked.text, place))
  }

  string(bytes: Buffer, start: number, end: number, flags: number): void {
    this.#checkLength(start, end)
    if ((flags & NOT_ASCII) !== 0) this.#checkUtf8(bytes, start, end)
    const length = end - Math.max(start, 0) - 2
    const masked = length > 0 && this.#worthLooking(flags, length) ? this.#look(bytes, start, end, flags) : undefined
    this.masked += masked?.masked ?? 0
    this.#leave(bytes, start, end, masked?.text)
  }

  number(bytes: Buffer, start: number, end: number): void {
    this.#checkLength(start, end)
    const length = end - Math.max(start, 0)
    const kind = length >= DIGITS_LENGTH && length <= 40 ? this.#numberKind(this.#latin1(bytes, start, end)) : undefined
    if (kind !== undefined) this.masked++
    this.#leave(bytes, start, end, kind === undefined ? undefined : marker(kind))
  }

  #numberKind(token: string): string | undefined {
    if (this.#rules.detectors.has('card') && isCardAsNumber(token)) return 'card'
    return this.#path.member.phone && isPhoneLike(token) ? 'phone' : undefined
  }

  /** Most plain strings end with one look at their bytes: no detector could find anything. */
  #look(bytes: Buffer, start: number, end: number, flags: number): Masked | undefined {
    if ((flags & UNPLAIN) !== 0) return this.#maskString(this.#text(bytes, start, end, flags))
    const shape = shapeOf(bytes, Math.max(start, 0) + 1, end - 1)
    if ((shape & this.#rules.shapes) === 0 && !this.#toldByPlace()) return undefined
    return this.#maskString(this.#text(bytes, start, end, flags), shape)
  }

  /** The place alone may say what the string is. */
  #toldByPlace(): boolean {
    const { member } = this.#path
    return member.secret !== undefined || member.phone || this.#path.isBase64 || this.#openKey !== undefined
  }

  #worthLooking(flags: number, length: number): boolean {
    if ((flags & this.#rules.telltale) !== 0 || length >= PLAIN_LENGTH) return true
    if (this.#path.member.secret !== undefined || this.#path.isBase64 || this.#openKey !== undefined) return true
    return (flags & DIGIT) !== 0 && length >= DIGITS_LENGTH
  }

  #maskString(text: string, shape?: number): Masked | undefined {
    const { secret, phone, name } = this.#path.member
    if (secret !== undefined) return { text: marker(secret), masked: 1 }
    if (phone && isPhoneLike(text)) return { text: marker('phone'), masked: 1 }
    const line = this.#openKey === undefined ? undefined : this.#maskKeyLine(text, this.#openKey)
    if (line !== undefined) return line
    const masked = this.#rules.values.mask(text, { layer: this.#layer, field: this.#path.field, base64: this.#path.isBase64, shape })
    if (masked?.open === true) this.#openKey = { member: name, depth: this.#path.depth, left: MAX_KEY_VALUES }
    return masked
  }

  /** Masks a value in the place of an open private key when it looks like a line of one. */
  #maskKeyLine(text: string, key: { readonly member: string, readonly depth: number, left: number }): Masked | undefined {
    if (key.member !== this.#path.member.name || key.depth !== this.#path.depth) return undefined
    const last = this.#rules.values.endsKey(text)
    if (last || --key.left === 0) this.#openKey = undefined
    return last || isPemBody(text) ? { text: marker(PEM), masked: 1 } : undefined
  }

  #checkLength(start: number, end: number): void {
    if (end - Math.max(start, 0) > this.#rules.maxStringLength) throw this.#tooLong()
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
}

/** What a plain string must look like for one of these detectors, or for something inside it to be looked at. */
export function shapesFor(detectors: ReadonlySet<string>): number {
  let shapes = BASE64 | JSON_START
  for (const name of detectors) shapes |= SHAPES[name] ?? TOKEN
  return shapes
}

/** Telltale bytes for these detectors. */
export function telltaleBytes(detectors: ReadonlySet<string>): number {
  return UNPLAIN | (detectors.has('email') || detectors.has('url-password') ? AT_SIGN : 0)
}
