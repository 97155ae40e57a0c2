import { strict as assert } from 'node:assert'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { conditionalWrites } from './conditional-writes.ts'
import type { StoredDocument, StoredWrite } from './encoding.ts'

const updateTime = { seconds: '7', nanos: 1000 }
const read = (documents: Readonly<Record<string, StoredDocument | undefined>>): ReadonlyMap<string, StoredDocument | undefined> => new Map(Object.entries(documents))
const put = (name: string): StoredWrite => ({ update: { name, fields: {} } })

describe('writes of a Firestore commit', () => {
  const cases: readonly (readonly [string, ReadonlyMap<string, StoredDocument | undefined>, readonly StoredWrite[], readonly StoredWrite[]])[] = [
    ['what was read and is written must be as it was read', read({ a: { updateTime }, b: { updateTime } }), [put('a'), { delete: 'b' }], [{ ...put('a'), currentDocument: { updateTime } }, { delete: 'b', currentDocument: { updateTime } }]],
    ['what was not there must still not be there', read({ a: undefined, b: undefined }), [put('a'), { delete: 'b' }], [{ ...put('a'), currentDocument: { exists: false } }, { delete: 'b', currentDocument: { exists: false } }]],
    ['a create stays one, whatever was read', read({ a: { updateTime } }), [{ ...put('a'), currentDocument: { exists: false } }], [{ ...put('a'), currentDocument: { exists: false } }]],
    ['what was not read is written as it is', read({}), [put('a')], [put('a')]],
    ['what was only read is checked and not changed', read({ a: { updateTime }, b: undefined }), [put('c')], [
      put('c'), { update: { name: 'a', fields: {} }, updateMask: { fieldPaths: [] }, currentDocument: { updateTime } }, { delete: 'b', currentDocument: { exists: false } },
    ]],
  ]
  for (const [title, documents, writes, wanted] of cases) it(title, () => assert.deepEqual(conditionalWrites(documents, writes), wanted))

  it('a document without an update time cannot be checked, so nothing is written', () => {
    for (const stored of [{}, { updateTime: null }]) assert.throws(() => conditionalWrites(read({ a: stored }), [put('a')]), PortUnavailable)
  })
})
