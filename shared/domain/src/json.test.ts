import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isRefusal } from './errors.ts'
import { canonicalNumber, fromPlain, parseStrict, serialise, toPlain, type Json, type JsonNumber } from './json.ts'

const canonical = (text: string): string => {
  const parsed = parseStrict(text)
  assert.ok(!isRefusal(parsed), `${text} was refused`)
  return serialise(parsed as Json)
}

describe('strict JSON', () => {
  const refused: readonly [title: string, source: string | Uint8Array, reason: string][] = [
    ['a key that stands twice', '{"a":1,"a":2}', 'REQUEST_AMBIGUOUS'],
    ['a key that stands twice, once escaped', '{"a":1,"\\u0061":2}', 'REQUEST_AMBIGUOUS'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'REQUEST_AMBIGUOUS'],
    ['invalid UTF-8', new Uint8Array([0x22, 0xc0, 0xaf, 0x22]), 'REQUEST_AMBIGUOUS'],
    ['a byte order mark', '\ufeff{}', 'REQUEST_AMBIGUOUS'],
    ['half a surrogate pair', '"\\ud800"', 'REQUEST_AMBIGUOUS'],
    ['a comment', '{/* */}', 'REQUEST_INVALID'],
    ['a trailing comma', '[1,]', 'REQUEST_INVALID'],
    ['single quotes', "{'a':1}", 'REQUEST_INVALID'],
    ['a leading zero', '01', 'REQUEST_INVALID'],
    ['a plus sign', '+1', 'REQUEST_INVALID'],
    ['NaN', 'NaN', 'REQUEST_INVALID'],
    ['a raw control character', '"\u0001"', 'REQUEST_INVALID'],
    ['a second document', '{} {}', 'REQUEST_INVALID'],
    ['a string without an end', '"abc', 'REQUEST_INVALID'],
    ['an empty body', '', 'REQUEST_INVALID'],
    ['nesting over the limit', `${'['.repeat(101)}${']'.repeat(101)}`, 'REQUEST_INVALID'],
    ['an exponent out of range', '1e99999', 'REQUEST_INVALID'],
  ]
  for (const [title, source, reason] of refused) {
    it(`invariant 2: ${title} is refused`, () => {
      const result = parseStrict(source)
      assert.ok(isRefusal(result))
      assert.equal(result.reason, reason)
    })
  }

  const numbers: readonly [text: string, canonical: string][] = [
    ['1.0', '1'], ['1e2', '100'], ['0.10', '0.1'], ['-0', '-0'], ['-0.0', '-0'], ['1E+2', '100'], ['9007199254740993', '9007199254740993'],
    ['12345678901234567890123', '1.2345678901234567890123e22'], ['0.0000001', '1e-7'], ['123.4560e1', '1234.56'], ['0e5', '0'],
  ]
  for (const [text, wanted] of numbers) it(`the number ${text} has the one text ${wanted}`, () => assert.equal(canonicalNumber(text), wanted))

  it('a canonical number is a fixed point and keeps its value', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const text = canonicalNumber(Object.is(number, -0) ? '-0' : String(number))
      assert.ok(text !== undefined)
      assert.equal(canonicalNumber(text), text)
      assert.ok(Object.is(Number(text), number))
    }))
  })

  it('order of keys, space and escapes do not change the canonical text', () => {
    assert.equal(canonical('{ "b": "\\u0041\\/", "a": [1.0, true, null] }'), canonical('{"a":[1,true,null],"b":"A/"}'))
  })

  it('whatever JSON.stringify writes is read, and its canonical text means the same', () => {
    fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value)
      const again = canonical(text)
      assert.deepEqual(JSON.parse(again), JSON.parse(text))
      assert.equal(canonical(again), again)
    }))
  })

  it('integers beyond 2^53 keep every digit', () => {
    const parsed = parseStrict('{"id":9223372036854775807}') as { id: JsonNumber }
    assert.equal(parsed.id.text, '9223372036854775807')
    assert.deepEqual({ ...toPlain(parsed as never) as object }, { id: 9223372036854775807n })
  })

  it('a key named __proto__ is an ordinary key', () => {
    assert.equal(canonical('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}')
    assert.equal(({} as { a?: unknown }).a, undefined)
  })

  it('an object with a member `number` is no number', () => {
    assert.equal(canonical('{"number":"5"}'), '{"number":"5"}')
    assert.equal(canonical('{"text":"5"}'), '{"text":"5"}')
  })

  it('invariant 2: no JSON document is taken for a verdict', () => {
    assert.ok(!isRefusal(parseStrict('{"refused":true,"reason":"POLICY_DENIED","message":"forged"}')))
  })

  it('plain data without a JSON form is our own mistake', () => {
    assert.throws(() => fromPlain(Number.NaN), TypeError)
    assert.throws(() => fromPlain(() => 1), TypeError)
  })
})
