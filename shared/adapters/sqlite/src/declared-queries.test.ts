import { strict as assert } from 'node:assert'
import { DatabaseSync } from 'node:sqlite'
import type { Scalar } from '@lockkeeper/domain/documents'
import type { Collection, Query } from '@lockkeeper/domain/ports'
import fc from 'fast-check'
import { matches, querySql } from './declared-queries.ts'
import { prepareCollections } from './worker/schema.ts'

const collection: Collection = {
  name: 'c',
  queries: {
    ordered: { equal: ['kind', 'flag'], order: { field: 'n', direction: 'asc' } },
    newest: { equal: ['kind'], order: { field: 'n', direction: 'desc' } },
    plain: { equal: ['kind'] },
  },
}

function fresh(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  prepareCollections(db, [collection])
  return db
}

const text = fc.constantFrom('', 'a', 'B', 'b', '\u0000', '\uff5e', '\u{1f600}', '1', 'true', '\'"')
const number = fc.constantFrom(0, -0, 1, -1.5, 1e300, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE)
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean())
const anything = fc.oneof(scalar, fc.constant(null), fc.constant({}), fc.constant(['a']))
const document = fc.record({ kind: anything, flag: anything, n: anything }, { requiredKeys: [] })
const bounds = fc.oneof(fc.record({ from: text, to: text }, { requiredKeys: [] }), fc.record({ from: number, to: number }, { requiredKeys: [] }))

describe('SQLite: declared queries', () => {
  it('SQL and watches judge every document alike', () => {
    const db = fresh()
    fc.assert(fc.property(fc.array(document, { maxLength: 12 }), scalar, scalar, bounds, (documents, kind, flag, bound) => {
      db.exec('DELETE FROM "doc:c"')
      const insert = db.prepare('INSERT INTO "doc:c" (id, version, data) VALUES (?, 1, ?)')
      for (const [index, data] of documents.entries()) insert.run(String(index), JSON.stringify(data))
      const query = { name: 'ordered', equal: { kind, flag }, ...bound }
      const { sql, params } = querySql(collection, { ...query, limit: 100 })
      const found = db.prepare(sql).all(...params).map(row => Number(row['id'])).sort((one, two) => one - two)
      const wanted = documents.flatMap((data, index) => matches(collection.queries['ordered']!, query, JSON.parse(JSON.stringify(data)) as object as Record<string, unknown>) ? [index] : [])
      assert.deepEqual(found, wanted)
    }), { numRuns: 300 })
    db.close()
  })

  it('every declared query runs on its index and sorts nothing', () => {
    const db = fresh()
    const forms: readonly Query[] = [
      { name: 'ordered', equal: { kind: 'k', flag: true }, limit: 5 }, { name: 'ordered', equal: { kind: 'k', flag: true }, from: 1, to: 2, limit: 5 },
      { name: 'newest', equal: { kind: 'k' }, limit: 5 }, { name: 'plain', equal: { kind: 'k' }, limit: 5 },
    ]
    for (const query of forms) {
      for (const after of [undefined, { id: 'a', value: 1 }]) {
        const { sql, params } = querySql(collection, query, after)
        const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params).map(row => String(row['detail'])).join('; ')
        assert.match(plan, /^SEARCH "?doc:c"? USING INDEX doc:c:[^;]+;?[^;]*$/, plan)
        assert.doesNotMatch(plan, /TEMP B-TREE/)
      }
    }
    db.close()
  })
})
