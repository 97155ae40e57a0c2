import assert from 'node:assert/strict'
import { crc32c, crc32cBase64 } from './crc32c.ts'

describe('CRC-32C', () => {
  const published: readonly (readonly [string, Buffer, number])[] = [
    ['the check value', Buffer.from('123456789'), 0xe3069283],
    ['32 zero bytes (RFC 3720 B.4)', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones (RFC 3720 B.4)', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31 (RFC 3720 B.4)', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['nothing', Buffer.alloc(0), 0],
  ]
  for (const [title, bytes, expected] of published) {
    it(`of ${title} is the published value`, () => { assert.equal(crc32c(bytes), expected) })
  }

  it('goes on from an earlier result', () => {
    assert.equal(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234'))), 0xe3069283)
  })

  it('is written in base64 of the big-endian value, as Cloud Storage does', () => {
    assert.equal(crc32cBase64(Buffer.from('123456789')), '4waSgw==')
  })
})
