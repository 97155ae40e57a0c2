import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { referenceCrc32c } from '@lockkeeper/testkit'
import { crc32c, crc32cBase64, sameChecksum } from './crc32c.ts'

describe('google-cloud: CRC32C', () => {
  const vectors: readonly (readonly [string, Uint8Array, number])[] = [
    ['32 zeros (RFC 3720 B.4)', new Uint8Array(32), 0x8a9136aa],
    ['32 ones (RFC 3720 B.4)', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31 (RFC 3720 B.4)', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['the nine digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(), 0],
  ]
  for (const [what, bytes, expected] of vectors) {
    it(`${what} has the published checksum`, () => {
      assert.equal(crc32c(bytes), expected)
      assert.equal(referenceCrc32c(bytes), expected)
    })
  }

  it('random bytes have the checksum that an independent computation gives', () => {
    for (let round = 0; round < 50; round++) {
      const bytes = randomBytes(round * 7)
      assert.equal(crc32c(bytes), referenceCrc32c(bytes))
    }
  })

  it('Cloud Storage\'s form is base64 of the four bytes, the highest first', () => {
    assert.equal(crc32cBase64(Buffer.from('123456789')), Buffer.from([0xe3, 0x06, 0x92, 0x83]).toString('base64'))
  })

  it('a checksum field that is absent, empty or another number is not the same', () => {
    for (const field of [undefined, null, '', 8, '8', { value: '8' }, { value: null }, {}, 'x', -7]) assert.equal(sameChecksum(field, 7), false, JSON.stringify(field))
    for (const absent of [undefined, null, '', { value: '' }, { value: undefined }]) assert.equal(sameChecksum(absent, 0), false)
    for (const field of [7, '7', { value: '7' }, { value: 7 }]) assert.equal(sameChecksum(field, 7), true)
  })
})
