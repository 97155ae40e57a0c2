/** Base64 as it stands in answers: either alphabet, with or without padding, whole values and runs inside a text. */

/** In a text, from 24 characters on: shorter runs are mostly words. `=` only where padding makes sense. */
const RUN = /[A-Za-z0-9+/_-]{24,}={0,2}/
const EACH_RUN = new RegExp(RUN, 'g')
const MIN_RUN = 24

/**
 * Calls `each` for what may be base64 inside a text. No encoder mixes the two alphabets; a run that does is a path, and its
 * segments are looked at one by one.
 */
export function eachBase64Run(text: string, each: (run: string, start: number) => void): void {
  if (text.length < MIN_RUN || !RUN.test(text)) return
  for (const match of text.matchAll(EACH_RUN)) {
    const run = match[0]
    if (!/[/+]/.test(run) || !/[-_]/.test(run)) {
      each(run, match.index)
      continue
    }
    let start = 0
    for (const segment of run.split('/')) {
      if (segment.length >= MIN_RUN) each(segment, match.index + start)
      start += segment.length + 1
    }
  }
}

const WHOLE = /^[A-Za-z0-9+/_-]{16,}={0,2}$/
/** Where the member's name says that it is base64: any length that can hide something, line breaks allowed. */
const WHOLE_NAMED = /^[A-Za-z0-9+/_=\s-]{8,}$/

export function isWholeBase64(text: string, named: boolean): boolean {
  return named ? WHOLE_NAMED.test(text) : WHOLE.test(text)
}

/** Decodes leniently: what any client could make of it. */
export function decodeBase64(run: string): Buffer {
  return Buffer.from(run, 'base64')
}

/** In the alphabet of the original. */
export function encodeLike(original: string, text: string): string {
  const encoded = Buffer.from(text).toString(/[-_]/.test(original) ? 'base64url' : 'base64')
  if (original.includes('=') && encoded.length % 4 !== 0) return encoded.padEnd(encoded.length + 4 - encoded.length % 4, '=')
  return encoded
}
