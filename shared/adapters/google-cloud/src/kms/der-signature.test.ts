import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { rawFromDer } from './der-signature.ts'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('google-cloud: ECDSA signatures from DER', () => {
  it('what Node makes in one form is proved in the other, short numbers too', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const lengths = new Set<number>()
    for (let round = 0; round < 600; round++) {
      const message = Buffer.from(String(round))
      const der = sign('sha256', message, { key: privateKey, dsaEncoding: 'der' })
      lengths.add(der.length)
      const raw = rawFromDer(der)
      assert.equal(raw?.length, 64)
      assert.equal(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw), true)
    }
    assert.ok(lengths.size >= 3, 'signatures of several lengths')
  })

  it('small numbers are filled up from the left', () => {
    const raw = rawFromDer(hex('30 07 02 01 05 02 02 00 ff'))
    assert.equal(Buffer.from(raw ?? []).toString('hex'), `${'00'.repeat(31)}05${'00'.repeat(31)}ff`)
  })

  const bad: Readonly<Record<string, string>> = {
    'nothing': '',
    'no sequence': '31 06 02 01 01 02 01 01',
    'a length that is too small': '30 05 02 01 01 02 01 01',
    'a length that is too large': '30 07 02 01 01 02 01 01',
    'a long form of the length': '30 81 06 02 01 01 02 01 01',
    'one number': '30 03 02 01 01',
    'three numbers': '30 09 02 01 01 02 01 01 02 01 01',
    'a negative number': '30 06 02 01 ff 02 01 01',
    'zero': '30 06 02 01 00 02 01 01',
    'a needless zero': '30 07 02 02 00 01 02 01 01',
    'an empty number': '30 05 02 00 02 01 01',
    'a number that runs over the end': '30 06 02 01 01 02 09 01',
    'another type': '30 06 03 01 01 02 01 01',
    'a number over 256 bits': `30 26 02 21 01 ${'00'.repeat(32)} 02 01 01`,
    'bytes after the end': '30 06 02 01 01 02 01 01 00',
  }
  for (const [what, text] of Object.entries(bad)) it(`${what} is no signature`, () => { assert.equal(rawFromDer(hex(text)), undefined) })
})
