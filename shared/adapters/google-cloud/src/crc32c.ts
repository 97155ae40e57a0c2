/** CRC32C (Castagnoli; RFC 3720 appendix B.4), the checksum of Google Cloud's APIs. node:zlib has only CRC-32. */

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** Of all bytes; an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** As Cloud Storage writes it: base64 of the four bytes, the highest first. */
export function crc32cBase64(bytes: Uint8Array): string {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(crc32c(bytes))
  return four.toString('base64')
}

/**
 * Whether a checksum field of an answer (int64 as the gRPC libraries give it: number, string or Long, or wrapped in a
 * message) is this number. An absent field is not.
 */
export function sameChecksum(field: unknown, expected: number): boolean {
  const value = typeof field === 'object' && field !== null && 'value' in field ? field.value : field
  return value !== undefined && value !== null && value !== '' && Number(value) === expected
}
