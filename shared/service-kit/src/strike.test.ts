import assert from 'node:assert/strict'
import fc from 'fast-check'
import { strike } from './strike.ts'

const HEADER = 'eyJhbGciOiJSUzI1NiJ9'
/** What a JWT was found by before: right for short texts, and quadratic for long ones. */
const SLOW = /eyJ[\w-]{8,4096}\.[\w-]{2,8192}(?:\.[\w-]{0,4096})?/g

describe('service-kit: struck out', () => {
  const ROWS: readonly (readonly [what: string, text: string, wanted: string])[] = [
    ['a JWT', `got ${HEADER}.payload.signature, then`, 'got #, then'],
    ['a JWT without a signature', `${HEADER}.payload`, '#'],
    ['a JWT in the middle of a word', `x${HEADER}.payload.sig/y`, 'x#/y'],
    ['two JWTs in one run', `${HEADER}.ab.cd.${HEADER}.ab.cd`, '#.#'],
    ['a header alone', HEADER, HEADER],
    ['Google\'s tokens', `ya29.${'c'.repeat(30)} AIza${'d'.repeat(35)}`, '# #'],
    ['a bearer value', `Bearer ${'e'.repeat(30)}==`, '#'],
    ['a private key with its content', 'key: -----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBg+/=\n-----END RSA PRIVATE KEY-----', 'key: #-----END RSA PRIVATE KEY-----'],
    ['a private key in JSON', JSON.stringify({ key: '-----BEGIN PRIVATE KEY-----\nMIIEvQIB\nADANBg\n-----END PRIVATE KEY-----\n', id: 1 }), '{"key":"#-----END PRIVATE KEY-----\\n","id":1}'],
    ['a private key that is cut off', '-----BEGIN PRIVATE KEY-----\nMIIEvQIB', '#'],
    ['nothing of a public key', '-----BEGIN PUBLIC KEY-----\nMIIB', '-----BEGIN PUBLIC KEY-----\nMIIB'],
  ]
  for (const [what, text, wanted] of ROWS) it(`invariant 3: ${what}`, () => assert.equal(strike(text), wanted.replaceAll('#', '[struck out]')))

  it('invariant 3: a JWT is found wherever its pattern finds one', () => {
    const texts = fc.array(fc.constantFrom('eyJ', 'a', 'abcdefgh', '.', '..', ' ', '-', HEADER, 'payload'), { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(fc.property(texts, (text) => { assert.equal(strike(text), text.replace(SLOW, '[struck out]')) }), { numRuns: 2_000 })
  })

  for (const piece of ['eyJ', 'eyJaaaaaaaa.', 'eyJaaaaaaaaa.aa', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----\n', 'Bearer ', 'ya29.', 'AIza', '.', 'a']) {
    it(`1 MB of ${JSON.stringify(piece)} takes no more than linear time`, () => {
      const text = piece.repeat(Math.ceil(1_000_000 / piece.length))
      const start = process.cpuUsage()
      strike(text)
      const spent = process.cpuUsage(start).user / 1000
      // Quadratic behaviour takes a minute; a linear pass some ms. CPU time, so that a busy machine changes little.
      assert.ok(spent < 1_000, `${spent.toFixed(0)} ms`)
    })
  }
})
