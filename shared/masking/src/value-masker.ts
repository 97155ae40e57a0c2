/** One string value: JSON inside it, base64, then the text itself. */
import { isUtf8 } from 'node:buffer'
import { decodeBase64, eachBase64Run, encodeLike, isWholeBase64 } from './base64.ts'
import type { FieldState } from './field-paths.ts'
import { MAX_LAYERS } from './layers.ts'
import { marker } from './marker.ts'
import type { Masked, Span } from './spans.ts'
import { replaceSpans } from './spans.ts'
import type { Found, TextFinder } from './text-finder.ts'
import { BASE64, JSON_START } from './value-shape.ts'

export interface Place {
  /** 0 in the document itself, one more inside each string or base64 that was opened. */
  readonly layer: number
  /** State of the field paths at the value; JSON inside a string continues from it. */
  readonly field: FieldState
  /** The member's name says base64. */
  readonly base64: boolean
  /** Of a text of printable ASCII without `\\`, `%` and `&`: what may stand in it, see value-shape.ts. */
  readonly shape?: number | undefined
}

/** Masks JSON text inside a string. 'not json' when it is none, 'too deep' when that cannot be said; undefined: nothing was masked. */
export type MaskNested = (text: string, layer: number, field: FieldState) => Masked | undefined | 'not json' | 'too deep'

const LOOKS_LIKE_JSON = /^\s*[[{"]/
/** A line that may be JSON, also as an event of a stream of server-sent events. */
const JSON_LINE = /^(?:data: ?)?[[{]/
const ANY_JSON_LINE = /^(?:data: ?)?[[{]/m

export interface MaskedLines {
  readonly masked: Masked | undefined
  /** The text ends inside a private key. */
  readonly open: boolean
}

export class ValueMasker {
  readonly #finder: TextFinder
  readonly #nested: MaskNested

  constructor(finder: TextFinder, nested: MaskNested) {
    this.#finder = finder
    this.#nested = nested
  }

  /** Undefined: nothing to mask. */
  mask(text: string, place: Place): Masked | undefined {
    const below = { layer: place.layer + 1, field: place.field, base64: false }
    const { shape } = place
    if (may(shape, JSON_START) && LOOKS_LIKE_JSON.test(text)) {
      if (place.layer < MAX_LAYERS) {
        const nested = this.#nested(text, below.layer, place.field)
        if (nested === 'too deep') return unreadable()
        if (nested !== 'not json') return nested
      } else if (text.includes('\\') || !place.field.dead) return unreadable()
    }
    if ((place.base64 || may(shape, BASE64)) && isWholeBase64(text, place.base64)) {
      const replacement = this.#decoded(text, below)
      if (replacement !== undefined) return replacement
    }
    const { masked, open } = this.#lines(text, below, false, shape)
    return masked !== undefined && open ? { ...masked, open } : masked
  }

  /** A text that is not inside JSON: it is not taken for JSON or base64 as a whole. */
  maskText(text: string, place: Place): Masked | undefined {
    return this.maskLines(text, place, false).masked
  }

  /** The text holds the end of a private key that began elsewhere. */
  endsKey(text: string): boolean {
    return this.#finder.keyEnd(text) !== undefined
  }

  /** As `maskText` for a piece of a text that ends with a line; `open`: it begins, or ends, inside a private key. */
  maskLines(text: string, place: Place, open: boolean): MaskedLines {
    return this.#lines(text, { layer: place.layer + 1, field: place.field, base64: false }, open)
  }

  /** Lines in which a key may begin and lines that are JSON go by themselves, so that pieces of a text give what the whole text gives. */
  #lines(text: string, below: Place, open: boolean, shape?: number): MaskedLines {
    if (!open && !(may(shape, JSON_START) && ANY_JSON_LINE.test(text))) {
      const found = this.#finder.find(text, shape)
      if (!found.keys) return this.#replaced(text, below, found, shape)
    }
    const out = new Pieces()
    let inKey = open
    let quiet = ''
    const flush = (): void => {
      out.add(quiet, this.#replaced(quiet, below, this.#finder.find(quiet)).masked)
      quiet = ''
    }
    for (const line of text.split(/(?<=\n)/)) {
      const end = inKey ? this.#finder.keyEnd(line) : 0
      // The marker stands where the key began; its lines leave nothing.
      if (end === undefined) continue
      const rest = line.slice(end)
      const json = end === 0 ? this.#jsonLine(line, below) : 'not json'
      const found = json === 'not json' ? this.#finder.find(rest) : undefined
      inKey = found?.open ?? false
      if (found?.keys === false) {
        quiet += rest
        continue
      }
      flush()
      out.add(rest, found === undefined ? json as Masked | undefined : this.#replaced(rest, below, found).masked)
    }
    flush()
    return { masked: out.text === text ? undefined : { text: out.text, masked: out.masked }, open: inKey }
  }

  #jsonLine(line: string, below: Place): Masked | undefined | 'not json' {
    const prefix = JSON_LINE.exec(line)?.[0].slice(0, -1)
    if (prefix === undefined || below.layer > MAX_LAYERS) return 'not json'
    const nested = this.#nested(line.slice(prefix.length), below.layer, below.field)
    if (nested === undefined || nested === 'not json') return nested
    return nested === 'too deep' ? unreadable() : { text: prefix + nested.text, masked: nested.masked }
  }

  #replaced(text: string, below: Place, { spans, open }: Found, shape?: number): MaskedLines {
    if (may(shape, BASE64)) this.#addBase64(text, below, spans)
    return { masked: replaceSpans(text, spans), open }
  }

  #addBase64(text: string, below: Place, spans: Span[]): void {
    eachBase64Run(text, (run, start) => {
      const inner = this.#decoded(run, below)
      if (inner !== undefined) spans.push({ start, end: start + run.length, kind: 'base64', replacement: inner.text })
    })
  }

  /** Base64 of the masked content, or undefined when there is nothing to mask in it. */
  #decoded(run: string, below: Place): Masked | undefined {
    const bytes = decodeBase64(run)
    if (!isUtf8(bytes)) {
      const kind = this.#finder.findInBinary(bytes)
      return kind === undefined ? undefined : { text: encodeLike(run, marker(kind)), masked: 1 }
    }
    if (below.layer > MAX_LAYERS) return unreadable()
    const inner = this.mask(bytes.toString('utf8'), below)
    return inner === undefined ? undefined : { text: encodeLike(run, inner.text), masked: inner.masked }
  }
}

/** A text whose shape is not known may hold anything. */
function may(shape: number | undefined, bit: number): boolean {
  return shape === undefined || (shape & bit) !== 0
}

class Pieces {
  text = ''
  masked = 0

  /** `source` as it was where nothing was masked. */
  add(source: string, masked: Masked | undefined): void {
    this.text += masked?.text ?? source
    this.masked += masked?.masked ?? 0
  }
}

function unreadable(): Masked {
  return { text: marker('unreadable'), masked: 1 }
}
