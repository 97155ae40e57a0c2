import assert from 'node:assert/strict'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import fc from 'fast-check'
import { createMasker } from './masker.ts'
import type { Masker, MaskerOptions } from './masker.ts'

function masker(detectors: readonly string[], options?: MaskerOptions): Masker {
  const made = createMasker({ detectors, fields: [] }, options)
  if ('problem' in made) throw new TypeError(made.problem)
  return made
}

const all = masker(['personal-data', 'secrets'])
const cannotMask = (error: unknown): boolean => error instanceof LockkeeperError && error.reason === 'CANNOT_MASK'

function streamed(by: Masker, bytes: Uint8Array, cuts: readonly number[]): { readonly text: string, readonly masked: number } {
  const stream = by.streamText()
  const out: Uint8Array[] = []
  let from = 0
  for (const place of [...new Set(cuts.map(cut => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b)) {
    const chunk = Buffer.from(bytes.subarray(from, place))
    out.push(...stream.push(chunk).map(part => Buffer.from(part)))
    chunk.fill(0x58)
    from = place
  }
  out.push(...stream.end())
  return { text: Buffer.concat(out).toString(), masked: stream.masked }
}

describe('masking text', () => {
  it('CSV keeps its shape', () => {
    assert.equal(all.maskText('name,mail,card\nAlice,alice@example.com,"4111 1111 1111 1111"\r\nBob,,\n').text, 'name,mail,card\nAlice,[lockkeeper:masked:email],"[lockkeeper:masked:card]"\r\nBob,,\n')
  })

  it('invariant 9: a log line with JSON in it is searched through its escapes', () => {
    assert.equal(all.maskText('INFO got {"user":"bob\\u0040example.com","n":"{\\"m\\":\\"eve\\\\u0040example.com\\"}"}').text, 'INFO got {"user":"[lockkeeper:masked:email]","n":"{\\"m\\":\\"[lockkeeper:masked:email]\\"}"}')
  })

  it('invariant 9: a private key is masked over lines, and to the end of the text when it has no end', () => {
    const text = 'before\n-----BEGIN PRIVATE KEY-----\nMIIE\nabcd\n-----END PRIVATE KEY-----\nafter\n-----BEGIN PRIVATE KEY-----\nMIIE\nand on'
    assert.equal(all.maskText(text).text, 'before\n[lockkeeper:masked:pem]\nafter\n[lockkeeper:masked:pem]')
    for (const piece of ['MIIE', 'abcd', 'and on', 'BEGIN']) assert.ok(!streamed(all, Buffer.from(text), [...text].map((_, index) => index)).text.includes(piece))
  })

  it('invariant 9: lines that are JSON are masked as JSON, also as server-sent events', () => {
    const text = '{"access_token":"opaque","n":4.111111111111111e15}\r\ndata: {"private_key":"x"}\n[1, 2]\n{not json, but bob@example.com}\n'
    const wanted = '{"access_token":"[lockkeeper:masked:google-oauth-token]","n":"[lockkeeper:masked:card]"}\r\ndata: {"private_key":"[lockkeeper:masked:service-account-key]"}\n[1, 2]\n{not json, but [lockkeeper:masked:email]}\n'
    assert.equal(all.maskText(text).text, wanted)
    assert.deepEqual(streamed(all, Buffer.from(text), [...text].map((_, index) => index)), { text: wanted, masked: 4 })
  })

  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('\n', '\n{"access_token":"x"}\n', 'data: {"m":"a@b.example"}\n', '{', '\r\n', ' ', ',', 'a@b.example', 'alice@', 'example.com', '4111 1111 ', '1111 1111', '+1415', '5552671', 'DE893704004405', '32013000', 'ya29.abcdefghijk', 'é', '＠'),
    fc.constantFrom('aGVsbG8gYWxpY2VAZXhhbXBsZS5jb20gaGVsbG8=', '-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'),
  )
  const text = (pieces: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.array(pieces, { maxLength: 14 }).map(parts => parts.join('').toWellFormed())

  it('invariant 9: any split of any text gives the same bytes, those of the whole text', () => {
    fc.assert(fc.property(text(piece), fc.array(fc.nat(), { maxLength: 12 }), (content, cuts) => {
      assert.deepEqual(streamed(all, Buffer.from(content), cuts).text, streamed(all, Buffer.from(content), []).text)
    }), { numRuns: 2000 })
    fc.assert(fc.property(text(piece.filter(part => !part.includes('PRIVATE'))), fc.array(fc.nat(), { maxLength: 12 }), (content, cuts) => {
      assert.deepEqual(streamed(all, Buffer.from(content), cuts), all.maskText(content))
    }), { numRuns: 2000 })
  })

  it('invariant 9: nothing of a line is released before its end', () => {
    const stream = all.streamText()
    assert.deepEqual(stream.push(Buffer.from('one\ntwo al')).map(String), ['one\n'])
    assert.deepEqual(stream.push(Buffer.from('ice@example')), [])
    assert.deepEqual(stream.push(Buffer.from('.com\nx')).map(String), ['two [lockkeeper:masked:email]\n'])
    assert.deepEqual(stream.end().map(String), ['x'])
  })

  it('invariant 9: a line over the limit and invalid UTF-8 are refused, in one chunk and in many', () => {
    const small = masker(['email'], { maxStringLength: 16 })
    assert.equal(streamed(small, Buffer.from('1234567890123456\n1234567890123456'), [5]).text, '1234567890123456\n1234567890123456')
    for (const bytes of [Buffer.from('12345678901234567'), Buffer.from('ok\n12345678901234567\nok'), Buffer.from([0x61, 0xff, 0x0a]), Buffer.from([0xe2, 0x82])]) {
      assert.throws(() => streamed(small, bytes, []), cannotMask)
      assert.throws(() => streamed(small, bytes, [...bytes.keys()]), cannotMask)
    }
  })

  it('invariant 9: after a refusal nothing more is released', () => {
    const stream = all.streamText()
    assert.throws(() => stream.push(Buffer.from([0xff, 0x0a])), cannotMask)
    assert.throws(() => stream.push(Buffer.from('fine\n')), cannotMask)
    assert.throws(() => stream.end(), cannotMask)
  })
})
