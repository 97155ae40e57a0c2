/** Base64 as it stands in answers: either alphabet, with or without padding, whole values and runs inside a text. */

/** In a text, shorter runs are mostly words. */
const MIN_RUN = 24

const COMMON = 1
const STANDARD = 2
const URL_SAFE = 4
/** Alphabet of each ASCII code. */
const ALPHABET = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[^\W_]/.test(character)) return COMMON
  if (/[+/]/.test(character)) return STANDARD
  return /[-_]/.test(character) ? URL_SAFE : 0
})

/**
 * Calls `each` for what may be base64 inside a text. No encoder mixes the two alphabets; a run that does is a path, and its
 * segments are looked at one by one.
 */
export function eachBase64Run(text: string, each: (run: string, start: number) => void): void {
  let start = 0
  let seen = 0
  // A loop over codes: this sees nearly every string, and takes a third of the time of a pattern.
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    const alphabet = code < 128 ? ALPHABET[code] as number : 0
    if (alphabet !== 0) {
      seen |= alphabet
      continue
    }
    if (at - start >= MIN_RUN) endRun(text, start, at, seen, each)
    start = at + 1
    seen = 0
  }
}

function endRun(text: string, start: number, end: number, seen: number, each: (run: string, start: number) => void): void {
  if ((seen & STANDARD) === 0 || (seen & URL_SAFE) === 0) {
    const padding = text[end] !== '=' ? 0 : text[end + 1] === '=' ? 2 : 1
    each(text.slice(start, end + padding), start)
    return
  }
  for (let from = start; from < end;) {
    const slash = text.indexOf('/', from)
    const to = slash === -1 || slash > end ? end : slash
    if (to - from >= MIN_RUN) each(text.slice(from, to), from)
    from = to + 1
  }
}

const WHOLE = /^[\w+/-]{16,}={0,2}$/
/** Where the member's name says that it is base64: any length that can hide something, line breaks allowed. */
const WHOLE_NAMED = /^[\w+/=\s-]{8,}$/

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
