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

  const O = '/storage/v1/b/b/o'
  const opening: readonly (readonly [string, string, string, string, string, object | undefined])[] = [
    ['an upload with a ready-made list', 'POST', 'storage', `/upload${O}`, 'uploadType=media&name=x&predefinedAcl=publicRead', undefined],
    ['the same in other letters', 'POST', 'storage', `/upload${O}`, 'uploadType=media&name=x&predefined_acl=PublicRead', undefined],
    ['an upload whose metadata names everybody', 'POST', 'storage', `/upload${O}`, 'uploadType=multipart', { name: 'x', acl: [{ entity: 'allUsers', role: 'READER' }] }],
    ['a patch of an access list', 'PATCH', 'storage', `${O}/x`, '', { acl: [{ entity: 'ALLAUTHENTICATEDUSERS', role: 'READER' }] }],
    ['a copy', 'POST', 'storage', `${O}/x/copyTo/b/c/o/y`, 'destinationPredefinedAcl=authenticatedRead', {}],
    ['a bucket whose objects will be public', 'POST', 'storage', '/storage/v1/b', 'project=p&predefinedDefaultObjectAcl=publicRead', { name: 'b' }],
    ['an entry of its own', 'POST', 'storage', `${O}/x/acl`, '', { entity: ' allUsers ', role: 'READER' }],
    ['an entry that its path names', 'PUT', 'storage', `${O}/x/acl/allUsers`, '', { role: 'OWNER' }],
    ['a dataset', 'PATCH', 'bigquery', '/bigquery/v2/projects/p/datasets/d', '', { access: [{ role: 'READER', specialGroup: 'allAuthenticatedUsers' }] }],
    ['a dataset by member', 'PATCH', 'bigquery', '/bigquery/v2/projects/p/datasets/d', '', { access: [{ role: 'READER', iamMember: 'allUsers' }] }],
    ['a service that asks nobody', 'PATCH', 'run', '/v2/projects/p/locations/l/services/s', '', { invokerIamDisabled: true }],
    ['a service of the old grammar', 'PUT', 'run', '/apis/serving.knative.dev/v1/namespaces/p/services/s', '', { metadata: { annotations: { 'run.googleapis.com/invoker-iam-disabled': 'true' } } }],
  ]
  const argumentsOf = async (verb: string, api: string, path: string, query: string, body: object | undefined) => {
    const host = `${api}.googleapis.com`
    await catalog.load([host])
    const match = catalog.match({ host, verb, path, query })
    if (isRefusal(match)) assert.fail(match.message)
    return policyArguments(match, undefined, body === undefined ? undefined : json(body))
  }
  for (const [title, verb, api, path, query, body] of opening) {
    it(`what opens something to everybody says so: ${title}`, async () => assert.equal((await argumentsOf(verb, api, path, query, body))['access.public'], 'true'))
  }

  const closed: typeof opening = [
    ['an upload', 'POST', 'storage', `/upload${O}`, 'uploadType=media&name=allUsers&predefinedAcl=projectPrivate', undefined],
    ['a patch for a group', 'PATCH', 'storage', `${O}/x`, '', { acl: [{ entity: 'group-allUsers@example.com', role: 'READER' }], metadata: { note: 'not for allUsers' } }],
    ['a service that asks', 'PATCH', 'run', '/v2/projects/p/locations/l/services/s', '', { invokerIamDisabled: false }],
    ['a read of such an entry', 'GET', 'storage', `${O}/x/acl/allUsers`, '', undefined],
    ['an IAM policy, which tells what it adds', 'PUT', 'storage', '/storage/v1/b/b/iam', '', { bindings: [{ role: 'r', members: ['allUsers'] }] }],
    ['a query', 'POST', 'bigquery', '/bigquery/v2/projects/p/queries', '', { query: 'SELECT 1', labels: { a: 'allUsers' } }],
  ]
  for (const [title, verb, api, path, query, body] of closed) {
    it(`what opens nothing to everybody says nothing: ${title}`, async () => assert.equal((await argumentsOf(verb, api, path, query, body))['access.public'], undefined))
  }
})
