import { strict as assert } from 'node:assert'
import type { Collection } from '@lockkeeper/domain/ports'
import fc from 'fast-check'
import { decodeDocument, decodeId, encodeDocument, encodeId, encodeScalar } from './encoding.ts'

const collection: Collection = {
  name: 'things', ttlField: 'end',
  queries: { one: { equal: ['kind', 'flag'], order: { field: 'n', direction: 'asc' } } },
}
const fieldsOf = (data: object): ReturnType<typeof encodeDocument> => encodeDocument(collection, JSON.stringify(data))

describe('documents in Firestore', () => {
  const IDS = ['a', '/', 'grant/1', '//storage.googleapis.com/b/x', '.', '..', '...', '__a__', '____', '__a', '%', '%2F', '%2f', '%25', '%5F_a__', 'ü/\u{1f600}', ' ', '\u0000', 'a\nb', '__\n__', '_'.repeat(1024)]
  it('every id has a name of its own that Firestore takes, and comes back', () => {
    const check = (id: string): void => {
      const name = encodeId(id)
      assert.equal(decodeId(name), id)
      assert.ok(!name.includes('/') && name !== '.' && name !== '..' && !/^__.*__$/s.test(name), name)
    }
    for (const id of IDS) check(id)
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '/', '%', '.', '_', '2', '5', 'F', 'E', 'ü'), minLength: 1, maxLength: 12 }), check))
  })

  it('an id whose name would be too long is our own mistake', () => {
    assert.throws(() => encodeId('/'.repeat(501)), TypeError)
    assert.equal(decodeId(encodeId('/'.repeat(500))), '/'.repeat(500))
  })

  it('a document comes back from its text, whatever lies beside it', () => {
    const data = { kind: 'k', flag: true, n: 1.5, lists: [[1, [2]], []], none: null, big: 9007199254740991 }
    const doc = decodeDocument({ name: 'projects/p/databases/d/documents/things/a%2Fb', fields: fieldsOf(data) })
    assert.deepEqual([doc.id, doc.data], ['a/b', data])
  })

  it('only scalars that a query can compare stand beside it', () => {
    const { e, o } = fieldsOf({ kind: ['k'], flag: null, n: true, other: 1 })
    assert.deepEqual([e, o], [{ mapValue: { fields: {} } }, { mapValue: { fields: {} } }])
    const set = fieldsOf({ kind: 'k', flag: false, n: -1.5 })
    assert.deepEqual(set['e'], { mapValue: { fields: { kind: { stringValue: 'k' }, flag: { booleanValue: false } } } })
    assert.deepEqual(set['o'], { mapValue: { fields: { n: { doubleValue: -1.5 } } } })
  })

  it('each write has a version of its own', () => {
    assert.notDeepEqual(fieldsOf({ kind: 'k' })['v'], fieldsOf({ kind: 'k' })['v'])
  })

  const ENDS: readonly (readonly [unknown, unknown])[] = [
    [1_700_000_000_123, { seconds: 1_700_000_000, nanos: 123_000_000 }], [0, { seconds: 0, nanos: 0 }], [-5, { seconds: 0, nanos: 0 }],
    [1e300, { seconds: 253_402_300_799, nanos: 0 }], [1.9, { seconds: 0, nanos: 1_000_000 }], ['1', undefined], [null, undefined],
  ]
  it('the end of a document is a moment that the TTL policy understands', () => {
    for (const [end, wanted] of ENDS) assert.deepEqual(fieldsOf({ end })['ttl']?.timestampValue, wanted, String(end))
  })

  it('long text keeps its beginning and is still told from every other', () => {
    const [one, two] = ['x', 'y'].map(last => encodeScalar(`${'é'.repeat(1000)}${last}`).stringValue ?? '')
    assert.ok(one !== two && Buffer.byteLength(one ?? '') <= 1500 && one?.startsWith('é'.repeat(600)) && one.isWellFormed())
    assert.equal(encodeScalar('é'.repeat(700)).stringValue, 'é'.repeat(700))
  })

  it('what this store did not write is our own mistake, not data', () => {
    const foreign: readonly NonNullable<Parameters<typeof decodeDocument>[0]['fields']>[] = [{}, { json: { stringValue: '{}' } }, { json: { integerValue: 1 }, v: { stringValue: 'v' } }]
    for (const fields of foreign) assert.throws(() => decodeDocument({ name: 'a', fields }), TypeError)
    assert.throws(() => decodeDocument({ name: 'a' }), TypeError)
  })
})
