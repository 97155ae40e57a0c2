import assert from 'node:assert/strict'
import { grantPattern, type GrantPattern } from '@lockkeeper/domain/events'
import type { CanonicalCall } from '@lockkeeper/domain/ports'
import { aCanonicalCall } from '@lockkeeper/testkit'
import { describe, it } from 'mocha'
import { coversCall, fixPattern, patternHash } from './grant-pattern.ts'

const object = (name: string, changes: Partial<CanonicalCall> = {}): CanonicalCall => aCanonicalCall({
  method: 'storage.objects.delete', risk: 'high', verb: 'DELETE', host: 'storage.googleapis.com', path: `/storage/v1/b/tmp/o/${name}`,
  resources: [`//storage.googleapis.com/projects/_/buckets/tmp/objects/${name}`], arguments: { bucket: 'tmp', object: name }, body: { kind: 'none' }, ...changes,
})
const json = (text: string, changes: Partial<CanonicalCall> = {}): CanonicalCall => object('a', { body: { kind: 'json', text }, ...changes })
const upload = (size: number | undefined, changes: object = {}): CanonicalCall => object('a', { body: { kind: 'media', contentType: 'text/plain', checksum: 'c', ...size === undefined ? {} : { size }, ...changes } })

const TMP: GrantPattern = { resources: ['//storage.googleapis.com/projects/_/buckets/tmp/objects/*'], arguments: { object: { any: true } }, run: false, uses: 5, forMs: 3_600_000 }
const bounded = (bounds: GrantPattern['arguments']): GrantPattern => ({ ...TMP, arguments: { ...TMP.arguments, ...bounds } })

function covers(pattern: GrantPattern, shown: CanonicalCall, other: CanonicalCall): boolean {
  const fixed = fixPattern(pattern, shown)
  if ('problem' in fixed) throw new Error(fixed.problem)
  return coversCall(pattern, fixed.rest, other)
}

interface Case { readonly title: string, readonly pattern?: GrantPattern, readonly shown?: CanonicalCall, readonly other: CanonicalCall, readonly covered: boolean }
const MESSAGE = '{"labels":{"env":"dev"},"size":5,"tags":["a"]}'
const CASES: readonly Case[] = [
  { title: 'another object in the bucket is covered', other: object('b'), covered: true },
  { title: 'an object in a folder is not covered by one star', other: object('folder/b'), covered: false },
  { title: 'an object of another bucket is not covered', other: object('b', { resources: ['//storage.googleapis.com/projects/_/buckets/prod/objects/b'], arguments: { bucket: 'prod', object: 'b' } }), covered: false },
  { title: 'a bucket that the arguments name and the resource does not is not covered', other: object('b', { arguments: { bucket: 'prod', object: 'b' } }), covered: false },
  { title: 'one resource too many is not covered', other: object('b', { resources: [...object('b').resources, '//storage.googleapis.com/projects/_/buckets/prod'] }), covered: false },
  { title: 'a call without resources is not covered', other: object('b', { resources: [] }), covered: false },
  { title: 'an argument that nobody saw is not covered', other: object('b', { arguments: { bucket: 'tmp', object: 'b', generation: '1' } }), covered: false },
  { title: 'an argument that is left out is not covered', pattern: bounded({ bucket: { any: true } }), other: object('b', { arguments: { object: 'b' } }), covered: false },
  { title: 'a bounded argument that is left out is not covered', shown: object('a', { arguments: { bucket: 'tmp', object: 'a', limit: '5' } }), pattern: bounded({ limit: { max: 10 } }), other: object('b'), covered: false },
  { title: 'a header that nobody saw is not covered', other: object('b', { headers: { 'x-goog-user-project': 'other' } }), covered: false },
  { title: 'a body that nobody saw is not covered', other: object('b', { body: { kind: 'json', text: '{}' } }), covered: false },
  { title: 'a body with the same members in another order is covered', shown: json(MESSAGE), other: json('{"tags":["a"],"size":5,"labels":{"env":"dev"}}'), covered: true },
  { title: 'one changed member of the body is not covered', shown: json(MESSAGE), other: json(MESSAGE.replace('dev', 'prod')), covered: false },
  { title: 'a number in place of the same text is not covered', shown: json('{"size":"5"}'), other: json('{"size":5}'), covered: false },
  { title: 'one more element of a list is not covered', shown: json(MESSAGE), other: json(MESSAGE.replace('["a"]', '["a","b"]')), covered: false },
  { title: 'a member whose name holds a dot is not the nested one', shown: json('{"labels":{"env":"dev"}}'), other: json('{"labels.env":"dev"}'), covered: false },
  { title: 'a query argument that looks like a member of the body is not it', shown: json('{"a":"1"}'), other: object('a', { arguments: { bucket: 'tmp', object: 'a', 'body.a': '1' } }), covered: false },
  { title: 'an argument and a member of the body of one name cover nothing', shown: json('{"a":"1"}'), other: json('{"a":"1"}', { arguments: { bucket: 'tmp', object: 'a', 'body.a': '1' } }), covered: false },
  { title: 'an empty object in place of a member is not covered', shown: json('{"labels":{"env":"dev"}}'), other: json('{"labels":{}}'), covered: false },
  { title: 'a bound on a member lets it vary within', shown: json(MESSAGE), pattern: bounded({ 'body.size': { max: 10 } }), other: json(MESSAGE.replace('5', '9')), covered: true },
  { title: 'a number above its bound is not covered', shown: json(MESSAGE), pattern: bounded({ 'body.size': { max: 10 } }), other: json(MESSAGE.replace('5', '11')), covered: false },
  ...['-1', '1e9', '"ten"', '99999999999999999999', 'null', 'true', '[]', '" 5"', '"0x5"', '""'].map((size): Case => (
    { title: `a size of ${size} is not at most ten`, shown: json(MESSAGE), pattern: bounded({ 'body.size': { max: 10 } }), other: json(MESSAGE.replace('5', size)), covered: false }
  )),
  { title: 'one of the named values is covered', shown: json(MESSAGE), pattern: bounded({ 'body.labels.env': { oneOf: ['dev', 'test'] } }), other: json(MESSAGE.replace('dev', 'test')), covered: true },
  { title: 'a value that is not named is not covered', shown: json(MESSAGE), pattern: bounded({ 'body.labels.env': { oneOf: ['dev', 'test'] } }), other: json(MESSAGE.replace('dev', 'Test')), covered: false },
  { title: 'a bound with a star is for all that begin so, also for what is not there', shown: json(MESSAGE), pattern: bounded({ 'body.labels.*': { any: true } }), other: json(MESSAGE.replace('"env":"dev"', '"env":"dev","team":"x"')), covered: true },
  { title: 'a bound with a star does not reach its neighbours', shown: json(MESSAGE), pattern: bounded({ 'body.labels.*': { any: true } }), other: json(MESSAGE.replace('"tags"', '"labelsx"')), covered: false },
  { title: 'the longer name of two stars holds', shown: json(MESSAGE), pattern: bounded({ 'body.*': { any: true }, 'body.labels.*': { equals: 'dev' } }), other: json(MESSAGE.replace('dev', 'prod')), covered: false },
  { title: 'an upload within its size is covered', shown: upload(10), pattern: bounded({ 'media.size': { max: 100 }, 'media.checksum': { any: true } }), other: upload(99, { checksum: 'd' }), covered: true },
  { title: 'an upload above its size is not covered', shown: upload(10), pattern: bounded({ 'media.size': { max: 100 } }), other: upload(101), covered: false },
  { title: 'an upload that declares no size is not covered', shown: upload(10), pattern: bounded({ 'media.size': { max: 100 } }), other: upload(undefined), covered: false },
  { title: 'an upload of another type is not covered', shown: upload(10), other: upload(10, { contentType: 'text/html' }), covered: false },
  { title: 'what the gateway has put in, and all that stands in it, may differ', shown: json('{"a":1,"jobReference":{"jobId":"x","projectId":"p"}}', { bound: ['body.jobReference'] }), other: json('{"a":1,"jobReference":{"jobId":"y","projectId":"p"}}', { bound: ['body.jobReference'] }), covered: true },
  { title: 'what the agent has put there may not', shown: json('{"a":1,"jobReference":{"jobId":"x","projectId":"p"}}', { bound: ['body.jobReference'] }), other: json('{"a":1,"jobReference":{"jobId":"y","projectId":"p"}}'), covered: false },
  { title: 'what the gateway has put into a list may differ', shown: json('{"sources":[{"name":"a","generation":"1"}]}', { bound: ['body.sources.0.generation'] }), other: json('{"sources":[{"name":"a","generation":"2"}]}', { bound: ['body.sources.0.generation'] }), covered: true },
  { title: 'a neighbour of what the gateway has put in may not differ', shown: json('{"sources":[{"name":"a","generation":"1"}]}', { bound: ['body.sources.0.generation'] }), other: json('{"sources":[{"name":"b","generation":"2"}]}', { bound: ['body.sources.0.generation'] }), covered: false },
  { title: 'the key that makes a repeat harmless may differ', shown: object('a', { dedupeKey: 'requestId', arguments: { bucket: 'tmp', object: 'a', requestId: '1' } }), other: object('b', { dedupeKey: 'requestId', arguments: { bucket: 'tmp', object: 'b', requestId: '2' } }), covered: true },
  { title: 'a body that is too large to look into is not covered', other: json(JSON.stringify({ data: 'x'.repeat(300_000) })), shown: object('a'), covered: false },
  { title: 'a body that is no JSON is not covered', other: json('{'), shown: object('a'), covered: false },
  { title: 'a prototype member is an argument like any other', shown: json('{"a":1}'), other: json('{"a":1,"__proto__":{"b":1}}'), covered: false },
]

type Broken = readonly [string, Partial<GrantPattern>, CanonicalCall, RegExp]
const BROKEN: readonly Broken[] = [
  ['a glob that the call is outside of', { resources: ['//storage.googleapis.com/projects/_/buckets/dev/**'] }, object('a'), /resources of the call itself/],
  ['no resource although the call has one', { resources: [] }, object('a'), /resources of the call itself/],
  ['a glob over everything', { resources: ['**'] }, object('a'), /begin with \/\//],
  ['a glob over every service', { resources: ['//*/**'] }, object('a'), /name their service/],
  ['a glob with three stars', { resources: ['//storage.googleapis.com/***'] }, object('a'), /\* and \*\* only/],
  ['an argument that the call does not have', { arguments: { objekt: { any: true } } }, object('a'), /no argument objekt/],
  ['a star for everything', { arguments: { '*': { any: true } } }, object('a'), /\* names no argument/],
  ['a star in the middle', { arguments: { 'a*b': { any: true } } }, object('a'), /a\*b names no argument/],
  ['a bound that the call itself is outside of', { arguments: { object: { equals: 'b' } } }, object('a'), /object of the call itself is out of bounds/],
  ['more text than is kept with each vote', { arguments: { object: { oneOf: Array.from({ length: 50 }, (_, index) => `${index}${'x'.repeat(500)}`) } } }, object('a'), /over 16 KiB/],
  ['a call that is too large', {}, json(JSON.stringify({ data: 'x'.repeat(300_000) })), /too large/],
]

describe('patterns of calls', () => {
  for (const { title, pattern = TMP, shown = object('a'), other, covered } of CASES) {
    it(`invariant 4: ${title}`, () => assert.equal(covers(pattern, shown, other), covered))
  }

  for (const [what, changes, call, problem] of BROKEN) {
    it(`a pattern with ${what} does not fit`, () => {
      const fixed = fixPattern({ ...TMP, ...changes }, call)
      assert.match('problem' in fixed ? fixed.problem : 'it fits', problem)
    })
  }

  it('the call that it was shown with is one of the pattern', () => assert.ok(covers(TMP, object('a'), object('a'))))

  it('invariant 7: equal patterns have equal hashes whatever the order of members, and every change has another', () => {
    const turned: GrantPattern = { forMs: TMP.forMs, uses: TMP.uses, run: TMP.run, arguments: { ...TMP.arguments }, resources: [...TMP.resources] }
    assert.equal(patternHash(turned), patternHash(TMP))
    const changes: readonly Partial<GrantPattern>[] = [{ uses: 6 }, { forMs: 3_600_001 }, { run: true }, { resources: [] }, { arguments: {} }, { arguments: { object: { equals: 'a' } } }]
    const others = changes.map((change) => patternHash({ ...TMP, ...change }))
    assert.equal(new Set([patternHash(TMP), ...others]).size, others.length + 1)
  })

  const MALFORMED: readonly (readonly [string, object])[] = [
    ['no end', { forMs: undefined }], ['an end in a year', { forMs: 366 * 86_400_000 }], ['no uses', { uses: 0 }], ['a part of a use', { uses: 1.5 }], ['endless uses', { uses: 1e9 }],
    ['two bounds in one', { arguments: { object: { any: true, equals: 'a' } } }], ['any: false', { arguments: { object: { any: false } } }], ['a bound of a negative number', { arguments: { size: { max: -1 } } }],
    ['an unknown member', { method: 'storage.*' }], ['a hundred bounds', { arguments: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, { any: true }])) }],
  ]
  for (const [what, change] of MALFORMED) {
    it(`a pattern with ${what} is none`, () => assert.equal(grantPattern.safeParse({ ...TMP, ...change }).success, false))
  }
})
