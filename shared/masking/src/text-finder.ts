/** All text detectors of a plan over one text. */
import type { Detector } from './detectors/detector.ts'
import { findKeys, keyEnd, PEM, PEM_HINT } from './detectors/pem.ts'
import type { ResolvedDetectors } from './plan.ts'
import type { Span } from './spans.ts'
import { toSource, viewOf } from './text-view.ts'
import { SHAPES, TOKEN } from './value-shape.ts'

export interface Found {
  readonly spans: Span[]
  /** A private key may begin in the text. */
  readonly keys: boolean
  /** The text ends inside one. */
  readonly open: boolean
}

export class TextFinder {
  readonly #detectors: ResolvedDetectors
  /** Each with the shape that its texts have. */
  readonly #shaped: readonly { readonly detector: Detector, readonly shape: number }[]
  /** One pass that most texts end with. */
  readonly #hint: RegExp | undefined
  readonly #binaryHint: RegExp | undefined

  constructor(detectors: ResolvedDetectors) {
    this.#detectors = detectors
    this.#shaped = detectors.patterns.map(detector => ({ detector, shape: SHAPES[detector.name] ?? TOKEN }))
    const pem = detectors.pem ? [PEM_HINT] : []
    this.#hint = joined([...detectors.patterns.map(detector => detector.hint), ...pem])
    this.#binaryHint = joined([...detectors.binary.map(detector => detector.hint), ...pem])
  }

  /** `shape`: of a text that is known to hold nothing that a view would change, see value-shape.ts. */
  find(text: string, shape?: number): Found {
    const spans: Span[] = []
    if (this.#hint === undefined) return { spans, keys: false, open: false }
    if (shape !== undefined) return this.#findByShape(text, shape, spans)
    const source = this.#collect(text, this.#detectors.patterns, this.#hint, (start, end, kind) => { spans.push({ start, end, kind }) })
    const view = viewOf(text)
    if (view === undefined) return { spans, keys: source.keys, open: source.open }
    const seen = this.#collect(view.text, this.#detectors.patterns, this.#hint, (from, to, kind) => {
      const [start, end] = toSource(view, from, to)
      spans.push({ start, end, kind })
    })
    return { spans, keys: source.keys || seen.keys, open: source.open || seen.open }
  }

  #findByShape(text: string, shape: number, spans: Span[]): Found {
    for (const { detector, shape: own } of this.#shaped) {
      if ((shape & own) !== 0 && detector.hint.test(text)) detector.find(text, (start, end) => { spans.push({ start, end, kind: detector.name }) })
    }
    if ((shape & TOKEN) === 0 || !this.#detectors.pem || !PEM_HINT.test(text)) return { spans, keys: false, open: false }
    return { spans, keys: true, open: findKeys(text, (start, end) => { spans.push({ start, end, kind: PEM }) }) }
  }

  /** Where a private key that was open before the text ends in it, or undefined. */
  keyEnd(text: string): number | undefined {
    const end = keyEnd(text, 0)
    const view = viewOf(text)
    const seen = view === undefined ? undefined : keyEnd(view.text, 0)
    if (view === undefined || seen === undefined) return end
    return Math.min(end ?? text.length, toSource(view, 0, seen)[1])
  }

  /** The kind of the first secret in binary data, looked at byte by byte as ASCII. */
  findInBinary(bytes: Buffer): string | undefined {
    if (this.#binaryHint === undefined) return undefined
    let found: string | undefined
    this.#collect(bytes.toString('latin1'), this.#detectors.binary, this.#binaryHint, (_start, _end, kind) => { found ??= kind })
    return found
  }

  #collect(text: string, patterns: readonly Detector[], hint: RegExp, add: (start: number, end: number, kind: string) => void): Omit<Found, 'spans'> {
    if (!hint.test(text)) return NO_KEYS
    for (const detector of patterns) {
      if (detector.hint.test(text)) detector.find(text, (start, end) => { add(start, end, detector.name) })
    }
    if (!this.#detectors.pem || !PEM_HINT.test(text)) return NO_KEYS
    return { keys: true, open: findKeys(text, (start, end) => { add(start, end, PEM) }) }
  }
}

const NO_KEYS = { keys: false, open: false }

function joined(hints: readonly RegExp[]): RegExp | undefined {
  return hints.length === 0 ? undefined : new RegExp(hints.map(hint => hint.source).join('|'))
}
