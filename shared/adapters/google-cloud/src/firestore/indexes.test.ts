import { strict as assert } from 'node:assert'
import type { Collection } from '@lockkeeper/domain/ports'
import { databaseIndexes } from './indexes.ts'

const things: Collection = {
  name: 'things', ttlField: 'deleteAt',
  queries: {
    all: { equal: [] },
    one: { equal: ['kind'] },
    newest: { equal: [], order: { field: 'at', direction: 'desc' } },
    two: { equal: ['kind', 'flag'] },
    sameTwo: { equal: ['flag', 'kind'] },
    ordered: { equal: ['kind'], order: { field: 'at', direction: 'desc' } },
  },
}

describe('indexes of a Firestore database', () => {
  it('what Firestore indexes by itself is left to it, and equal indexes stand once', () => {
    assert.deepEqual(databaseIndexes([things]).indexes.map(({ fields }) => fields.map(({ fieldPath, order }) => `${fieldPath} ${order}`)), [
      ['e.flag ASCENDING', 'e.kind ASCENDING'], ['e.kind ASCENDING', 'o.at DESCENDING'],
    ])
  })

  it('text, version and end of a document are in no index, and the end is the TTL policy', () => {
    assert.deepEqual(databaseIndexes([things]).fieldOverrides, [
      { collectionGroup: 'things', fieldPath: 'json', indexes: [] }, { collectionGroup: 'things', fieldPath: 'v', indexes: [] },
      { collectionGroup: 'things', fieldPath: 'ttl', ttl: true, indexes: [] },
      { collectionGroup: 'outbox', fieldPath: 'json', indexes: [] }, { collectionGroup: 'outbox', fieldPath: 'topic', indexes: [] },
    ])
  })
})
