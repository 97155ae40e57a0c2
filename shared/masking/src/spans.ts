import { marker } from './marker.ts'

/** A part of a text that must not leave. */
export interface Span {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly kind: string
  /** Stands there instead; default: the kind's marker. */
  readonly replacement?: string
}

export interface Masked {
  readonly text: string
  /** Places masked. */
  readonly masked: number
  /** The text ends inside a private key. */
  readonly open?: boolean
}

/** Overlapping spans become one with the kind of the longest and without a replacement of its own; touching ones stay apart. */
function mergeSpans(spans: readonly Span[]): readonly Span[] {
  if (spans.length < 2) return spans
  const merged: Span[] = []
  let longest = 0
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1)
    const length = span.end - span.start
    if (last === undefined || span.start >= last.end) {
      merged.push(span)
      longest = length
      continue
    }
    merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end), kind: length > longest ? span.kind : last.kind }
    longest = Math.max(longest, length)
  }
  return merged
}

/** The text with its spans replaced, or undefined when there are none. */
export function replaceSpans(text: string, spans: readonly Span[]): Masked | undefined {
  if (spans.length === 0) return undefined
  const merged = mergeSpans(spans)
  let masked = ''
  let from = 0
  for (const span of merged) {
    masked += text.slice(from, span.start) + (span.replacement ?? marker(span.kind))
    from = span.end
  }
  return { text: masked + text.slice(from), masked: merged.length }
}
