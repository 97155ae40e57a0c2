import assert from 'node:assert/strict'
import fc from 'fast-check'
import { HeldBytes } from './held-bytes.ts'
import { toSource, viewOf } from './text-view.ts'

describe('the view of a text', () => {
  const ROWS: readonly (readonly [string, string])[] = [
    ['a\\u0040b', 'a@b'], ['a\\\\\\u0040b', 'a@b'], ['\\x41\\/\\"', 'A/"'], ['%40%2540%252540', '@@@'], ['&#64;&#x40;&commat;', '@@@'], ['&#9999999;', ''], ['ＡＢ＠．', 'AB@.'], ['a\u200b\u00adb', 'ab'], ['\u00a0\u2003', '  '], ['‐‑–−', '----'], ['٤۴४', '444'], ['𝟒𝐀', '4A'],
    ['①ﬁ', '1fi'], ['\\uff20', '@'], ['a\u0000b\u007f', 'ab'], ['one\ttwo\r\n％', 'one\ttwo\r\n%'],
  ]
  for (const [text, wanted] of ROWS) {
    it(`${JSON.stringify(text)} reads ${JSON.stringify(wanted)}`, () => { assert.equal(viewOf(text)?.text, wanted) })
  }

  it('ordinary text has none', () => {
    for (const text of ['', 'plain', 'zażółć gęślą jaźń', '漢字', '100% sure', 'a & b', 'C:\\new\\table', '👍', 'Kk', '%c3%a9']) assert.equal(viewOf(text), undefined, text)
  })

  it('every part of a view lies where its source is, and parts in a row cover the source in a row', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom('\\u0040', '%40', '&#64;', '＠', '\u200b', 'ﬁ', '½', '𝐀', 'x', 'yz'), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 8 }).map(parts => parts.join('')), fc.nat(), fc.nat(), (text, a, b) => {
      const view = viewOf(text)
      if (view === undefined) return
      const [from, to] = [a % (view.text.length + 1), b % (view.text.length + 1)].sort((x, y) => x - y) as [number, number]
      const [start, end] = toSource(view, from, to)
      assert.ok(start <= end && end <= text.length)
      // What is outside of the source's part reads as what is outside of the view's part, or less where one escape holds several characters.
      assert.ok(view.text.startsWith(viewOf(text.slice(0, start))?.text ?? text.slice(0, start)))
      assert.equal(toSource(view, 0, view.text.length)[1], text.length)
    }), { numRuns: 1000 })
  })
})

describe('held bytes', () => {
  it('a megabyte that comes byte by byte is kept in one buffer and given back once', () => {
    const held = new HeldBytes(1_000_000, () => new Error('too long'))
    for (let index = 0; index < 1_000_000; index++) held.add(Uint8Array.of(index & 0xff))
    assert.throws(() => { held.add(Uint8Array.of(1)) }, /too long/)
    const taken = held.take(Uint8Array.of(7))
    assert.equal(taken.length, 1_000_001)
    assert.ok(taken.subarray(0, 256).every((byte, index) => byte === index))
    assert.equal(held.take(Uint8Array.of()).length, 0)
  })
})
