/** What stands in the place of a masked value, and how it is recognised when it comes back. */
import type { Json } from '@lockkeeper/domain/json'
import { decodeBase64, eachBase64Run } from './base64.ts'
import { MAX_LAYERS } from './layers.ts'
import { viewOf } from './text-view.ts'

/** `[lockkeeper:masked:email]`, in object keys also `[lockkeeper:masked:email:2]`; ASCII that needs no JSON escape. Not global: safe with `test`. */
export const MARKER_PATTERN = /\[lockkeeper:masked:[a-z0-9-]{1,40}(?::\d{1,9})?\]/i

/** The marker of one kind: a detector's name, `field` for field paths, `unreadable` for what is nested too deep to inspect. */
export function marker(kind: string): string {
  return `[lockkeeper:masked:${kind}]`
}

/** A masked key with its place among the masked keys of its object, so that two of them stay two members. */
export function numberedMarkers(text: string, place: number): string {
  return text.replace(new RegExp(MARKER_PATTERN, 'gi'), found => `${found.slice(0, -1)}:${place}]`)
}

/** Base64 of the marker's fixed part at each of the three byte alignments; neither alphabet's special characters occur in it. */
const BASE64_NEEDLES = [0, 1, 2].map(shift => {
  const bytes = Buffer.from(' '.repeat(shift) + '[lockkeeper:masked:')
  const whole = bytes.subarray(0, bytes.length - bytes.length % 3).toString('base64')
  return shift === 0 ? whole : whole.slice(4)
})

/**
 * The first marker found, or undefined: a write that carries one is refused (MASKED_VALUE_WRITTEN), so that masking never
 * destroys data. Looks at strings and keys, at JSON escapes of any nesting, percent-encoding, character references, full-width
 * forms and base64 inside base64. Takes parsed JSON, the bytes of a body, or any string (a query, a header).
 */
export function containsMarker(json: Json | Uint8Array): string | undefined {
  if (json instanceof Uint8Array) return inText(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8'), 0)
  if (typeof json === 'string') return inText(json, 0)
  if (typeof json !== 'object' || json === null) return undefined
  if (Array.isArray(json)) return firstOf(json as readonly Json[])
  return firstOf(Object.keys(json)) ?? firstOf(Object.values(json) as Json[])
}

function firstOf(values: readonly Json[]): string | undefined {
  for (const value of values) {
    const found = containsMarker(value)
    if (found !== undefined) return found
  }
  return undefined
}

function inText(text: string, layer: number): string | undefined {
  const found = MARKER_PATTERN.exec(text) ?? MARKER_PATTERN.exec(viewOf(text)?.text ?? '')
  if (found !== null) return found[0]
  // Encoders break base64 into lines; in a body the breaks are escapes. A run of backslashes is tried from its first one only.
  const joined = text.replace(/\s+|(?<!\\)\\+[nr]/g, '')
  if (BASE64_NEEDLES.some(needle => joined.includes(needle))) return `${marker('…')} in base64`
  if (layer === MAX_LAYERS) return undefined
  let inside: string | undefined
  eachBase64Run(joined, run => { inside ??= inText(decodeBase64(run).toString('utf8'), layer + 1) })
  return inside
}
