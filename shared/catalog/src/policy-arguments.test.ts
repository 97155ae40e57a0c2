import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { fromPlain, type JsonObject } from '@lockkeeper/domain/json'
import { createCatalog, policyArguments } from './index.ts'

describe('what policies see as arguments', () => {
  const catalog = createCatalog()
  before(() => catalog.load(['bigquery.googleapis.com', 'storage.googleapis.com']))

  const matchOf = (verb: string, host: string, path: string) => {
    const match = catalog.match({ host, verb, path, query: '' })
    if (isRefusal(match)) assert.fail(match.message)
    return match
  }
  const query = () => matchOf('POST', 'bigquery.googleapis.com', '/bigquery/v2/projects/p/queries')
  const jobs = () => matchOf('POST', 'bigquery.googleapis.com', '/bigquery/v2/projects/p/jobs')
  const json = (value: object) => fromPlain(value) as JsonObject

  const rows: readonly (readonly [string, () => ReturnType<typeof matchOf>, object, string, string, string])[] = [
    ['a query', query, { query: 'SELECT 1' }, 'select', 'true', 'false'],
    ['a query that is only priced', query, { query: 'DROP TABLE d.t', dryRun: true }, 'ddl', 'false', 'true'],
    ['a change among queries', query, { query: 'SELECT 1; DELETE FROM d.t WHERE TRUE' }, 'dml', 'false', 'false'],
    ['a job that queries', jobs, { configuration: { query: { query: 'SELECT 1' } } }, 'select', 'true', 'false'],
    ['a job that queries into a table', jobs, { configuration: { query: { query: 'SELECT 1', destinationTable: { tableId: 't' } } } }, 'select', 'false', 'false'],
    ['a job that copies', jobs, { configuration: { copy: {} } }, 'none', 'false', 'false'],
    ['a job that says nothing', jobs, {}, 'none', 'false', 'false'],
  ]
  for (const [title, match, body, sql, readsOnly, dryRun] of rows) {
    it(`${title} says what its SQL does`, () => assert.deepEqual({ ...policyArguments(match(), undefined, json(body)) }, { projectId: 'p', 'sql.class': sql, 'sql.readsOnly': readsOnly, 'sql.dryRun': dryRun }))
  }

  it('the project that is billed is told beside them', () => {
    assert.deepEqual({ ...policyArguments(query(), 'other', json({ query: 'SELECT 1' })) }, { projectId: 'p', 'header.X-Goog-User-Project': 'other', 'sql.class': 'select', 'sql.readsOnly': 'true', 'sql.dryRun': 'false' })
  })

  it('without a body a job has none, and other methods have none', () => {
    const bucket = matchOf('POST', 'storage.googleapis.com', '/storage/v1/b')
    assert.deepEqual({ ...policyArguments(query(), undefined, undefined) }, { projectId: 'p' })
    assert.equal(policyArguments(bucket, undefined, json({ query: 'SELECT 1' })), bucket.arguments)
  })
})
