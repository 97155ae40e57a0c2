/** One string value: JSON inside it, base64, then the text itself. */
import { isUtf8 } from 'node:buffer'
import { BASE64_RUN, decodeBase64, encodeLike, isWholeBase64 } from './base64.ts'
import type { FieldState } from './field-paths.ts'
import { marker } from './marker.ts'
import type { Masked } from './spans.ts'
import { replaceSpans } from './spans.ts'
import type { TextFinder } from './text-finder.ts'

/** Layers of JSON or base64 inside one another that are opened. What is still wrapped below them is masked whole. */
export const MAX_LAYERS = 3

export interface Place {
  /** 0 in the document itself, one more inside each string or base64 that was opened. */
  readonly layer: number
  /** State of the field paths at the value; JSON inside a string continues from it. */
  readonly field: FieldState
  /** The member's name says base64. */
  readonly base64: boolean
}

/** Masks JSON text inside a string. 'not json' when it is none; undefined when nothing was masked. */
export type MaskNested = (text: string, layer: number, field: FieldState) => Masked | undefined | 'not json'

const LOOKS_LIKE_JSON = /^\s*[[{"]/

export class ValueMasker {
  readonly #finder: TextFinder
  readonly #nested: MaskNested

  constructor(finder: TextFinder, nested: MaskNested) {
    this.#finder = finder
    this.#nested = nested
  }

  /** Undefined: nothing to mask. */
  mask(text: string, place: Place): Masked | undefined {
    const below = { ...place, layer: place.layer + 1, base64: false }
    if (LOOKS_LIKE_JSON.test(text)) {
      if (place.layer < MAX_LAYERS) {
        const nested = this.#nested(text, below.layer, place.field)
        if (nested !== 'not json') return nested
      } else if (text.includes('\\')) return unreadable()
    }
    if (isWholeBase64(text, place.base64)) {
      const replacement = this.#decoded(text, below)
      if (replacement !== undefined) return replacement
    }
    return this.#text(text, below)
  }

  /** A text that is not inside JSON, or a member's name: nothing is taken for JSON as a whole. */
  maskText(text: string, place: Place): Masked | undefined {
    return this.#text(text, { ...place, layer: place.layer + 1 })
  }

  /** As `maskText` for a piece of a text that ends with a line; `open`: it begins, or ends, inside a private key. */
  maskLines(text: string, place: Place, open: boolean): { readonly masked: Masked | undefined, readonly open: boolean } {
    const found = this.#finder.find(text, open)
    this.#addBase64(text, { ...place, layer: place.layer + 1 }, found.spans)
    return { masked: replaceSpans(text, found.spans), open: found.open }
  }

  #text(text: string, below: Place): Masked | undefined {
    const { spans } = this.#finder.find(text)
    this.#addBase64(text, below, spans)
    return replaceSpans(text, spans)
  }

  #addBase64(text: string, below: Place, spans: { start: number, end: number, kind: string, replacement?: string }[]): void {
    if (text.length < 24) return
    for (const run of text.matchAll(BASE64_RUN)) {
      const inner = this.#decoded(run[0], below)
      if (inner !== undefined) spans.push({ start: run.index, end: run.index + run[0].length, kind: 'base64', replacement: inner.text })
    }
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

function unreadable(): Masked {
  return { text: marker('unreadable'), masked: 1 }
}
