/** ECDSA signatures: from DER (RFC 3279 section 2.2.3), as Cloud KMS makes them, to r and s side by side, as JOSE has them (RFC 7518 section 3.4). */

const HALF = 32

/** 64 bytes for a P-256 signature, or undefined where the bytes are no such signature in the one form that DER allows. */
export function rawFromDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) return undefined
  const r = readInteger(der, 2)
  const s = r === undefined ? undefined : readInteger(der, r.end)
  if (r === undefined || s === undefined || s.end !== der.length) return undefined
  const raw = new Uint8Array(2 * HALF)
  raw.set(r.bytes, HALF - r.bytes.length)
  raw.set(s.bytes, 2 * HALF - s.bytes.length)
  return raw
}

/** A positive INTEGER of at most 256 bits, without needless zeros. */
function readInteger(der: Uint8Array, at: number): { readonly bytes: Uint8Array, readonly end: number } | undefined {
  const length = der[at + 1] ?? 0
  const end = at + 2 + length
  if (der[at] !== 0x02 || length === 0 || end > der.length) return undefined
  const bytes = der.subarray(at + 2, end)
  const [first = 0, second = 0] = bytes
  if (first >= 0x80 || (first === 0 && (length === 1 || second < 0x80))) return undefined
  const magnitude = first === 0 ? bytes.subarray(1) : bytes
  return magnitude.length > HALF ? undefined : { bytes: magnitude, end }
}
