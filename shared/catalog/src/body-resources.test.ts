import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { fromPlain, type JsonObject } from '@lockkeeper/domain/json'
import { createCatalog, queryJob, resourcesWithBody } from './index.ts'

const catalog = createCatalog()
const bucket = '//storage.googleapis.com/projects/_/buckets/bkt'
const db = '//firestore.googleapis.com/projects/p/databases/d'
const crm = '//cloudresourcemanager.googleapis.com'
const bq = '//bigquery.googleapis.com/projects/p'

function resources(host: string, verb: string, url: string, body: unknown): readonly string[] | string {
  const [path = '', query = ''] = url.split('?')
  const match = catalog.match({ host: `${host}.googleapis.com`, verb, path, query })
  if (isRefusal(match)) assert.fail(match.message)
  const checked = catalog.checkBody(match.method, fromPlain(body) as JsonObject)
  if (isRefusal(checked)) assert.fail(checked.message)
  const found = resourcesWithBody(match, checked)
  return isRefusal(found) ? found.reason : found
}

const ROWS: readonly (readonly [string, string, string, object, readonly string[] | string])[] = [
  ['storage', 'POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', { name: 'a/b' }, [`${bucket}/objects/a/b`]],
  ['storage', 'POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart&name=c', { name: 'a/b' }, [`${bucket}/objects/c`]],
  ['storage', 'POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', { name: 'a/../b' }, 'REQUEST_AMBIGUOUS'],
  ['storage', 'POST', '/storage/v1/b/bkt/o/new/compose', { sourceObjects: [{ name: 'x' }, { name: 'y' }] }, [`${bucket}/objects/new`, `${bucket}/objects/x`, `${bucket}/objects/y`]],
  ['storage', 'POST', '/storage/v1/b?project=p', { name: 'bkt' }, [`${crm}/projects/p`, bucket]],
  ['bigquery', 'POST', '/bigquery/v2/projects/p/jobs', { configuration: { query: { query: 'SELECT 1', destinationTable: { datasetId: 'd', tableId: 't' } } } }, [`${crm}/projects/p`, `${bq}/datasets/d/tables/t`]],
  ['bigquery', 'POST', '/bigquery/v2/projects/p/jobs', { configuration: { copy: { sourceTables: [{ projectId: 'q', datasetId: 'd', tableId: 's' }], destinationTable: { projectId: 'p', datasetId: 'd', tableId: 't' } } } }, [`${crm}/projects/p`, `${bq}/datasets/d/tables/t`, '//bigquery.googleapis.com/projects/q/datasets/d/tables/s']],
  ['firestore', 'POST', '/v1/projects/p/databases/d/documents:commit', { writes: [{ update: { name: 'projects/p/databases/d/documents/a/1' } }, { delete: 'projects/p/databases/d/documents/a/2' }] }, [db, `${db}/documents/a/1`, `${db}/documents/a/2`]],
  ['firestore', 'POST', '/v1/projects/p/databases/d/documents:batchGet', { documents: Array.from({ length: 1001 }, (_, index) => `projects/p/databases/d/documents/a/${index}`) }, 'BODY_TOO_LARGE_TO_INSPECT'],
  ['storage', 'POST', '/storage/v1/b/bkt/o/new/compose', { sourceObjects: [{ name: 'x'.repeat(1_000_000) }] }, 'BODY_TOO_LARGE_TO_INSPECT'],
  ['firestore', 'POST', '/v1/projects/p/databases/d/documents:batchGet', { documents: Array.from({ length: 60 }, (_, index) => `projects/p/databases/d/documents/${index}${'x'.repeat(5_000)}`) }, 'BODY_TOO_LARGE_TO_INSPECT'],
  ['cloudresourcemanager', 'POST', '/v1/projects', { projectId: 'new', parent: { type: 'folder', id: '7' } }, [`${crm}/folders/7`, `${crm}/projects/new`]],
  ['cloudresourcemanager', 'POST', '/v3/projects/p:move', { destinationParent: 'folders/8' }, [`${crm}/projects/p`, `${crm}/folders/8`]],
  ['iam', 'POST', '/v1/projects/example.com:p/serviceAccounts', { accountId: 'bot' }, [`${crm}/projects/example.com:p`, '//iam.googleapis.com/projects/example.com:p/serviceAccounts/bot@p.example.com.iam.gserviceaccount.com']],
  ['logging', 'POST', '/v2/entries:list', { resourceNames: ['projects/p', 'projects/p/locations/l/buckets/b/views/v'] }, [`${crm}/projects/p`, '//logging.googleapis.com/projects/p/locations/l/buckets/b/views/v']],
  ['pubsub', 'PUT', '/v1/projects/p/subscriptions/s', { topic: 'projects/q/topics/t' }, ['//pubsub.googleapis.com/projects/p/subscriptions/s', '//pubsub.googleapis.com/projects/q/topics/t']],
  ['compute', 'POST', '/compute/v1/projects/p/zones/z/instances', { name: 'i' }, ['//compute.googleapis.com/projects/p/zones/z']],
]

describe('resources that a body names', () => {
  before(() => catalog.load())
  for (const [host, verb, url, body, wanted] of ROWS) {
    it(`${verb} ${host} ${url} ${JSON.stringify(body).slice(0, 60)}`, () => { assert.deepEqual(resources(host, verb, url, body), wanted) })
  }
})

describe('BigQuery jobs', () => {
  const select = 'SELECT 1'
  const JOBS: readonly (readonly [string, object, ReturnType<typeof queryJob>])[] = [
    ['a query', { query: select, useLegacySql: false }, { sql: 'select', readsOnly: true, dryRun: false }],
    ['a query as a job', { configuration: { query: { query: select } } }, { sql: 'select', readsOnly: true, dryRun: false }],
    ['a query into a table', { configuration: { query: { query: select, destinationTable: { tableId: 't' } } } }, { sql: 'select', readsOnly: false, dryRun: false }],
    ['a query as another account', { query: select, connectionProperties: [{ key: 'service_account', value: 'x' }] }, { sql: 'select', readsOnly: false, dryRun: false }],
    ['a query in a new session', { query: select, createSession: true }, { sql: 'select', readsOnly: false, dryRun: false }],
    ['a query without a session', { query: select, createSession: false, connectionProperties: [] }, { sql: 'select', readsOnly: true, dryRun: false }],
    ['a deletion', { query: 'DELETE FROM t WHERE true' }, { sql: 'dml', readsOnly: false, dryRun: false }],
    ['a dry run', { configuration: { dryRun: true, query: { query: 'DROP TABLE t' } } }, { sql: 'ddl', readsOnly: false, dryRun: true }],
    ['a load', { configuration: { load: { sourceUris: [] } } }, { sql: 'none', readsOnly: false, dryRun: false }],
    ['a query and a copy in one', { configuration: { query: { query: select }, copy: {} } }, { sql: 'none', readsOnly: false, dryRun: false }],
    ['nothing', {}, { sql: 'none', readsOnly: false, dryRun: false }],
  ]
  for (const [what, body, wanted] of JOBS) it(`${what}: ${JSON.stringify(wanted)}`, () => { assert.deepEqual(queryJob(fromPlain(body) as JsonObject), wanted) })
})
