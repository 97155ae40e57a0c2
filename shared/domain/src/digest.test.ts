import assert from 'node:assert/strict'
import fc from 'fast-check'
import { attachHash, digestOf, equalInConstantTime, unboundCall } from './digest.ts'
import { parseStrict, serialise, type Json } from './json.ts'
import type { CanonicalCall } from './ports.ts'

const call: CanonicalCall = {
  target: 'google', method: 'storage.buckets.patch', change: true, risk: 'high', verb: 'PATCH', host: 'storage.googleapis.com',
  path: '/storage/v1/b/data', query: 'alt=json', resources: ['//storage.googleapis.com/projects/_/buckets/data'],
  arguments: { bucket: 'data', alt: 'json' }, headers: { 'x-goog-user-project': 'p' }, body: { kind: 'json', text: '{"a":1}' }, returnsSecret: false,
}

const withBody = (text: string): CanonicalCall => ({ ...call, body: { kind: 'json', text: serialise(parseStrict(text) as Json) } })

describe('digest', () => {
  const same: readonly [title: string, left: string, right: string][] = [
    ['order of keys', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['forms of a number', '{"a":100,"b":0.5}', '{"a":1e2,"b":5e-1}'],
    ['escapes', '{"a":"é/"}', '{"a":"\\u00e9\\/"}'],
    ['white space', '{"a":[1,2]}', '{ "a" : [ 1 , 2 ] }'],
  ]
  for (const [title, left, right] of same) {
    it(`invariant 4: ${title} does not change the digest`, () => assert.equal(digestOf(withBody(left)), digestOf(withBody(right))))
  }

  const changes: readonly [title: string, changed: Partial<CanonicalCall>][] = [
    ['the target', { target: 'other' }], ['the method', { method: 'storage.buckets.update' }], ['the verb', { verb: 'PUT' }],
    ['the host', { host: 'storage.example.com' }], ['the path', { path: '/storage/v1/b/date' }], ['an argument', { arguments: { bucket: 'data', alt: 'media' } }],
    ['a header', { headers: { 'x-goog-user-project': 'q' } }], ['one byte of the body', { body: { kind: 'json', text: '{"a":2}' } }],
    ['the size of media', { body: { kind: 'media', contentType: 'text/plain', size: 1 } }],
  ]
  for (const [title, changed] of changes) {
    it(`invariant 4: ${title} changes the digest`, () => assert.notEqual(digestOf({ ...call, ...changed }), digestOf(call)))
  }

  it('invariant 4: any two bodies with different meaning have different digests', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (left, right) => {
      const [one, two] = [JSON.stringify(left), JSON.stringify(right)]
      const equal = serialise(parseStrict(one) as Json) === serialise(parseStrict(two) as Json)
      assert.equal(digestOf(withBody(one)) === digestOf(withBody(two)), equal)
    }))
  })

  it('a digest says whether the body was seen', () => {
    assert.match(digestOf(call), /^full:/)
    assert.match(digestOf({ ...call, body: { kind: 'media', contentType: 'text/plain' } }), /^media:/)
  })

  for (const [title, sent, bound, text] of [
    ['a field', '{"a":1}', ['body.etag'], '{"a":1,"etag":"x"}'], ['a field of a member', '{"policy":{}}', ['body.policy.etag'], '{"policy":{"etag":"x"}}'], ['an object', '{}', ['body.ref'], '{"ref":{"id":"1"}}'],
    ['fields of a list', '{"s":[{"n":"a"},{"n":"b","g":"2"}]}', ['body.s.0.g'], '{"s":[{"n":"a","g":"1"},{"n":"b","g":"2"}]}'],
    ['what is not there', '{"s":[{"n":"a"}]}', ['body.s.7.g', 'body.s.x.g', 'body.t.g', 'body.s.0'], '{"s":[{"n":"a"}]}'],
  ] as const) {
    it(`invariant 4: without ${title} that the gateway put in, the call is the agent's own`, () => {
      assert.equal(digestOf(unboundCall({ ...withBody(text), bound })), digestOf(withBody(sent)))
    })
  }

  it('another run, agent, issuer or idempotency key is another waiting call', () => {
    const key = { issuer: 'i', agent: 'a', run: 'r', digest: 'd' }
    const others = [{ ...key, issuer: 'j' }, { ...key, agent: 'b' }, { ...key, run: 's' }, { ...key, digest: 'e' }, { ...key, idempotencyKey: 'k' }]
    assert.equal(new Set([key, ...others].map(attachHash)).size, 6)
  })

  it('texts are compared whole', () => {
    assert.ok(equalInConstantTime('abc', 'abc'))
    assert.ok(!equalInConstantTime('abc', 'abcd'))
  })
})
