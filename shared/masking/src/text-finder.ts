/** All text detectors of a plan over one text. */
import type { Detector } from './detectors/detector.ts'
import { findPem, PEM, PEM_HINT } from './detectors/pem.ts'
import type { ResolvedDetectors } from './plan.ts'
import type { Span } from './spans.ts'
import { toSource, viewOf } from './text-view.ts'

export interface Found {
  readonly spans: Span[]
  /** The text ends inside a private key. */
  readonly open: boolean
}

export class TextFinder {
  readonly #detectors: ResolvedDetectors
  /** One pass that most texts end with. */
  readonly #hint: RegExp | undefined
  readonly #binaryHint: RegExp | undefined

  constructor(detectors: ResolvedDetectors) {
    this.#detectors = detectors
    const pem = detectors.pem ? [PEM_HINT] : []
    this.#hint = joined([...detectors.patterns.map(detector => detector.hint), ...pem])
    this.#binaryHint = joined([...detectors.binary.map(detector => detector.hint), ...pem])
  }

  /** `open`: the text begins inside a private key. */
  find(text: string, open = false): Found {
    const spans: Span[] = []
    if (this.#hint === undefined) return { spans, open: false }
    let ends = this.#collect(text, open, this.#detectors.patterns, this.#hint, (start, end, kind) => { spans.push({ start, end, kind }) })
    const view = viewOf(text)
    if (view !== undefined) {
      const seen = this.#collect(view.text, open, this.#detectors.patterns, this.#hint, (from, to, kind) => {
        const [start, end] = toSource(view, from, to)
        spans.push({ start, end, kind })
      })
      ends ||= seen
    }
    return { spans, open: ends }
  }

  /** The kind of the first secret in binary data, looked at byte by byte as ASCII. */
  findInBinary(bytes: Buffer): string | undefined {
    if (this.#binaryHint === undefined) return undefined
    let found: string | undefined
    this.#collect(bytes.toString('latin1'), false, this.#detectors.binary, this.#binaryHint, (_start, _end, kind) => { found ??= kind })
    return found
  }

  #collect(text: string, open: boolean, patterns: readonly Detector[], hint: RegExp, add: (start: number, end: number, kind: string) => void): boolean {
    if (!open && !hint.test(text)) return false
    for (const detector of patterns) detector.find(text, (start, end) => { add(start, end, detector.name) })
    return this.#detectors.pem && findPem(text, open, (start, end) => { add(start, end, PEM) })
  }
}

function joined(hints: readonly RegExp[]): RegExp | undefined {
  return hints.length === 0 ? undefined : new RegExp(hints.map(hint => hint.source).join('|'))
}
