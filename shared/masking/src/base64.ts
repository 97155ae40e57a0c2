/** Base64 as it stands in answers: either alphabet, with or without padding, whole values and runs inside a text. */

/** A run in a text: from 24 characters on, since shorter ones are mostly words. `=` only where padding makes sense. */
export const BASE64_RUN = /[A-Za-z0-9+/_-]{24,}={0,2}/g

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
