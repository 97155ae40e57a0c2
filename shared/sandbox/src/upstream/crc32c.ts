/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), table driven: what Cloud Storage and Secret Manager check content by. */

const POLYNOMIAL = 0x82f63b78

function makeTable(): Int32Array {
  const table = new Int32Array(256)
  for (let index = 0; index < 256; index++) {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    table[index] = value
  }
  return table
}

const TABLE = makeTable()

/** Unsigned 32-bit checksum. Pass an earlier result as `seed` to go on over further bytes. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  for (let index = 0; index < bytes.length; index++) crc = TABLE[(crc ^ bytes[index]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Base64 of the big-endian value: the form of Cloud Storage's `crc32c` fields and `x-goog-hash`. */
export function crc32cBase64(bytes: Uint8Array): string {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(crc32c(bytes))
  return buffer.toString('base64')
}
