import assert from 'node:assert/strict'
import { answerQuery } from './answer-query.ts'

describe('the sandbox\'s SQL', () => {
  const understood: readonly (readonly [string, unknown])[] = [
    ['SELECT name FROM crm.customers LIMIT 2', [['Mira Holt'], ['Jonas Weber']]],
    ['select id, name\n  from `sandbox-project.crm.customers`\n  where id = 3;', [['3', 'Inés Duarte']]],
    ['SELECT id FROM customers WHERE name=\'Aiko Tanaka\' LIMIT 5', [['5']]],
    ['SELECT COUNT(*) FROM crm.customers', [['5']]],
    ['SELECT count( * ) FROM ops.deploys WHERE result = \'ok\'', [['2']]],
    ['SELECT 1;', [['1']]],
  ]
  for (const [sql, rows] of understood) {
    it(`answers ${JSON.stringify(sql)}`, () => { assert.deepEqual(answerQuery(sql, 'crm').rows, rows) })
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /understands/], ['SELECT * FROM crm.customers ORDER BY id', /unexpected ORDER BY/], ['SELECT * FROM crm.customers WHERE id > 1', /unexpected WHERE/],
    ['SELECT * FROM crm.customers WHERE id = 1 OR 1 = 1', /unexpected OR/], ['SELECT * FROM crm.customers; DROP TABLE crm.customers', /unexpected|understands/], ['SELECT nothing FROM crm.customers', /Unrecognized name: nothing/],
    ['SELECT * FROM crm.customers WHERE nothing = 1', /Unrecognized name/], ['SELECT * FROM absent.customers', /Not found/], ['EXPORT DATA OPTIONS() AS SELECT 1', /understands/],
  ]
  for (const [sql, problem] of refused) {
    it(`refuses ${JSON.stringify(sql)}, leaving nothing out in silence`, () => { assert.throws(() => answerQuery(sql, 'crm'), problem) })
  }

  it('counts what a change would touch, and changes nothing', () => {
    assert.deepEqual(answerQuery('DELETE FROM crm.customers WHERE true', undefined), { columns: [], rows: [], kind: 'DELETE', affected: 5 })
    assert.equal(answerQuery('insert into crm.customers (id) values (9)', undefined).affected, 1)
    assert.equal(answerQuery('SELECT * FROM crm.customers', undefined).rows.length, 5)
  })

  it('long and hostile text takes no long time', () => {
    const from = performance.now()
    for (const text of [`SELECT ${' '.repeat(9_000)}`, `SELECT ${'a FROM '.repeat(1_300)}`, `${' ;'.repeat(4_900)}`, 'x'.repeat(1_000_000)]) assert.throws(() => answerQuery(text, 'crm'), { reason: /invalidQuery|notFound/ })
    assert.ok(performance.now() - from < 500)
  })
})
