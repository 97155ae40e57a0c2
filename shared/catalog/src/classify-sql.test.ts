import assert from 'node:assert/strict'
import fc from 'fast-check'
import { classifySql, type SqlClass } from './index.ts'

const CASES: readonly (readonly [string, SqlClass])[] = [
  ['SELECT 1', 'select'],
  ['select 1;', 'select'],
  ['  \n\t SELECT 1 ; ; ', 'select'],
  ['SELECT 1; SELECT 2', 'select'],
  ['(SELECT 1) UNION ALL (SELECT 2)', 'select'],
  ['((SELECT 1))', 'select'],
  ['WITH a AS (SELECT 1) SELECT * FROM a', 'select'],
  ['WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT x+1 FROM a), b AS (SELECT 2) SELECT * FROM a, b', 'select'],
  ['WITH a AS (SELECT 1) (SELECT * FROM a)', 'select'],
  ['(WITH a AS (SELECT 1) SELECT * FROM a)', 'select'],
  ['FROM t |> WHERE x > 1 |> AGGREGATE COUNT(*) GROUP BY y', 'select'],
  ['SELECT a | b > c FROM t', 'select'],
  ['#standardSQL\nSELECT 1', 'select'],
  ['-- DROP TABLE x\nSELECT 1', 'select'],
  ['/* DELETE FROM x; */ SELECT 1', 'select'],
  ['SELECT "; DROP TABLE x; --"', 'select'],
  ['SELECT \'it\\\'s; DROP TABLE x\'', 'select'],
  ['SELECT r"\\"; DROP TABLE x; --"', 'select'],
  ['SELECT """a"; DROP TABLE x; """', 'select'],
  ['SELECT \'\'\'a\n; DELETE FROM t WHERE true\'\'\'', 'select'],
  ['SELECT * FROM `p.d.drop table`', 'select'],
  ['SELECT rb"""x""", b\'y\', R\'z\'', 'select'],
  ['SELECT insert_time, `delete` FROM d.t WHERE update_count > 1e3', 'select'],
  ['SELECT @param, @@session_id', 'select'],
  ['SELECT CASE WHEN a THEN 1 ELSE 2 END, IF(b, 1, 2) FROM t', 'select'],
  ['INSERT INTO t VALUES (1)', 'dml'],
  ['insert t select * from u', 'dml'],
  ['UPDATE t SET a = 1 WHERE true', 'dml'],
  ['DELETE FROM t WHERE true', 'dml'],
  ['MERGE t USING u ON t.a = u.a WHEN MATCHED THEN DELETE', 'dml'],
  ['TRUNCATE TABLE t', 'dml'],
  ['LOAD DATA INTO t FROM FILES (format = "CSV", uris = ["gs://b/o"])', 'dml'],
  ['SELECT 1; DELETE FROM t WHERE true', 'dml'],
  ['/**/DELETE/**/FROM t WHERE true', 'dml'],
  ['SELECT 1 /* ; */ ; --x\n DELETE FROM t WHERE true', 'dml'],
  ['SELECT "a" ; DELETE FROM t WHERE x = "b"', 'dml'],
  ['SELECT \'\\\\\'; DELETE FROM t WHERE true --\'', 'dml'],
  ['SELECT 1 # \' \n; DELETE FROM t WHERE true', 'dml'],
  ['CREATE TABLE t AS SELECT 1', 'ddl'],
  ['CREATE TEMP FUNCTION f(x INT64) AS (x); SELECT f(1)', 'ddl'],
  ['DROP TABLE t', 'ddl'],
  ['DROP ALL ROW ACCESS POLICIES ON t', 'ddl'],
  ['ALTER TABLE t ADD COLUMN a INT64', 'ddl'],
  ['UNDROP SCHEMA s', 'ddl'],
  ['GRANT `roles/bigquery.dataViewer` ON TABLE t TO "user:a@x"', 'dcl'],
  ['REVOKE `roles/bigquery.dataViewer` ON TABLE t FROM "user:a@x"', 'dcl'],
  ['EXPORT DATA OPTIONS (uri = "gs://b/*.csv") AS SELECT * FROM t', 'export'],
  ['DECLARE x INT64; SET x = 1; SELECT x', 'script'],
  ['BEGIN TRANSACTION; DELETE FROM t WHERE true; COMMIT TRANSACTION', 'script'],
  ['BEGIN SELECT 1; END', 'script'],
  ['IF true THEN DROP TABLE t; END IF', 'script'],
  ['LOOP SELECT 1; LEAVE; END LOOP', 'script'],
  ['FOR r IN (SELECT 1) DO SELECT r; END FOR', 'script'],
  ['CREATE TABLE t (a INT64); INSERT t VALUES (1)', 'script'],
  ['CALL p.d.proc()', 'unknown'],
  ['EXECUTE IMMEDIATE "DROP TABLE t"', 'unknown'],
  ['SELECT 1; EXECUTE IMMEDIATE @sql', 'unknown'],
  ['BEGIN EXECUTE IMMEDIATE "x"; END', 'unknown'],
  ['IF true THEN CALL p(); END IF', 'unknown'],
  ['SELECT * FROM EXTERNAL_QUERY("c", "DELETE FROM t")', 'unknown'],
  ['SELECT * FROM `external_query`("c", "x")', 'unknown'],
  ['FROM t |> EXPORT DATA OPTIONS (uri = "gs://b/*")', 'unknown'],
  ['FROM t |> CALL f()', 'unknown'],
  ['SELECT 1 |> INSERT INTO t', 'unknown'],
  ['WITH a AS (SELECT 1) DELETE FROM t WHERE true', 'unknown'],
  ['WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a', 'unknown'],
  ['WITH a AS (SELECT 1) (DELETE FROM t)', 'unknown'],
  ['WITH a AS (SELECT 1)', 'unknown'],
  ['(DELETE FROM t)', 'unknown'],
  ['EXPLAIN SELECT 1', 'unknown'],
  ['label: BEGIN SELECT 1; END', 'unknown'],
  ['', 'unknown'],
  [' ; ; ', 'unknown'],
  ['-- only a comment', 'unknown'],
  ['SELECT "open', 'unknown'],
  ['SELECT "a\nb"', 'unknown'],
  ['SELECT """open"', 'unknown'],
  ['SELECT `open', 'unknown'],
  ['SELECT 1 /* open', 'unknown'],
  ['SELECT 1 -- \r """ \n; DROP TABLE x -- """', 'unknown'],
  ['SELECT 1 -- \u2028 """ \n; DROP TABLE x -- """', 'unknown'],
  ['SELECT 1 \u0000', 'unknown'],
  ['ＳＥＬＥＣＴ 1', 'unknown'],
  [`SELECT ${'1,'.repeat(600_000)}1`, 'unknown'],
]

describe('what a SQL text does', () => {
  for (const [text, wanted] of CASES) {
    it(`${JSON.stringify(text.slice(0, 70))} is ${wanted}`, () => { assert.equal(classifySql(text), wanted) })
  }

  it('a statement that changes something is never hidden by what stands before it', () => {
    const before = fc.oneof(fc.constantFrom('SELECT 1', '/* ; */', '-- x\n', '"a;"', '\'b\'', '`c`', 'r"\\"', '"""', '\'\'\'', '#', '\\', '\n', ' ', '(', ')'), fc.string({ maxLength: 4 }))
    fc.assert(fc.property(fc.array(before, { maxLength: 8 }), (parts) => {
      // Whatever state the lexer is in, it either sees the statement or knows that it is in an open literal.
      return classifySql(`${parts.join(' ')}\n;\nDROP TABLE t`) !== 'select'
    }), { numRuns: 3000 })
  })

  it('time grows with the length alone', () => {
    for (const text of ['('.repeat(500_000), '/*'.repeat(400_000), '"'.repeat(500_001), 'WITH a AS ('.repeat(50_000), '-'.repeat(900_000)]) {
      const start = performance.now()
      classifySql(text)
      assert.ok(performance.now() - start < 2000, text.slice(0, 10))
    }
  })

  it('a text of more words than anybody writes is unknown, and soon', () => {
    for (const text of ['('.repeat(1_000_000), `SELECT ${'a,'.repeat(400_000)}1`, '\'\''.repeat(500_000), '/**/'.repeat(250_000)]) assert.equal(classifySql(text), 'unknown')
  })
})
