import assert from 'node:assert/strict'
import { crc32c } from './crc32c.ts'
import { CREDENTIAL_CANARY } from './iam.ts'
import { publishedMessages } from './pubsub.ts'
import { callUpstream } from './test-client.ts'
import type { CallOptions, Reply } from './test-client.ts'
import { startSandboxUpstream } from './upstream.ts'
import type { SandboxUpstream } from './upstream.ts'

const P = '/v1/projects/sandbox-project'
const ACCOUNT = `${P}/serviceAccounts/deploy-bot@sandbox-project.iam.gserviceaccount.com`

describe('the other APIs of the sandbox', () => {
  let upstream: SandboxUpstream

  beforeEach(async () => { upstream = await startSandboxUpstream() })
  afterEach(() => upstream.close())

  const call = (target: string, body?: object): Promise<Reply> => callUpstream(upstream, target.replace(/ (\w+)\//, ' $1.googleapis.com/'), body === undefined ? {} : { body } satisfies CallOptions)

  it('IAM: service accounts are made, read, disabled and deleted', async () => {
    assert.equal((await call(`GET iam${P}/serviceAccounts`)).json().accounts.length, 3)
    const made = (await call(`POST iam${P}/serviceAccounts`, { accountId: 'fresh-bot', serviceAccount: { displayName: 'Fresh' } })).json()
    assert.deepEqual([made.email, made.displayName], ['fresh-bot@sandbox-project.iam.gserviceaccount.com', 'Fresh'])
    assert.equal((await call(`POST iam${P}/serviceAccounts`, { accountId: 'fresh-bot' })).status, 409)
    assert.equal((await call(`POST iam${P}/serviceAccounts`, { accountId: 'X' })).status, 400)
    await call(`POST iam${P}/serviceAccounts/${made.email}:disable`, {})
    assert.equal((await call(`GET iam${P}/serviceAccounts/${made.uniqueId}`)).json().disabled, true)
    assert.equal((await call(`DELETE iam${P}/serviceAccounts/${made.email}`)).status, 200)
    assert.equal((await call(`GET iam${P}/serviceAccounts/${made.email}`)).status, 404)
  })

  it('invariant 3: every credential that the upstream mints carries the canary', async () => {
    const key = (await call(`POST iam${ACCOUNT}/keys`, {})).json()
    assert.match(Buffer.from(key.privateKeyData, 'base64').toString(), new RegExp(CREDENTIAL_CANARY))
    const token = (await call('POST iamcredentials/v1/projects/-/serviceAccounts/deploy-bot@sandbox-project.iam.gserviceaccount.com:generateAccessToken', { scope: ['x'] })).json()
    assert.match(token.accessToken, new RegExp(CREDENTIAL_CANARY))
  })

  it('the policy of a service account is its own', async () => {
    const bindings = [{ role: 'roles/iam.serviceAccountUser', members: ['user:a@sandbox.example.com'] }]
    await call(`POST iam${ACCOUNT}:setIamPolicy`, { policy: { bindings } })
    assert.deepEqual((await call(`POST iam${ACCOUNT}:getIamPolicy`, {})).json().bindings, bindings)
    assert.deepEqual((await call(`POST iam${ACCOUNT.replace('deploy-bot', 'report-reader')}:getIamPolicy`, {})).json().bindings, [])
  })

  it('Resource Manager: v1 and v3 show one policy, and a stale etag is 409 ABORTED', async () => {
    const before = (await call(`POST cloudresourcemanager${P}:getIamPolicy`, {})).json()
    const v3 = P.replace('v1', 'v3')
    assert.deepEqual((await call(`POST cloudresourcemanager${v3}:getIamPolicy`, {})).json(), before)
    const policy = { ...before, bindings: [...before.bindings, { role: 'roles/browser', members: ['user:new@sandbox.example.com'] }] }
    const after = (await call(`POST cloudresourcemanager${v3}:setIamPolicy`, { policy })).json()
    assert.equal(after.bindings.length, before.bindings.length + 1)
    const stale = await call(`POST cloudresourcemanager${P}:setIamPolicy`, { policy })
    assert.deepEqual([stale.status, stale.json().error.status], [409, 'ABORTED'])
    assert.equal((await call(`POST cloudresourcemanager${P}:setIamPolicy`, { policy: { bindings: [], etag: after.etag } })).status, 200)
  })

  for (const [title, policy] of [['a member without a kind', { bindings: [{ role: 'roles/viewer', members: ['a@b.example'] }] }], ['a role that is none', { bindings: [{ role: 'viewer', members: ['allUsers'] }] }], ['bindings that are no list', { bindings: {} }]] as const) {
    it(`a policy with ${title} is refused`, async () => {
      assert.equal((await call(`POST cloudresourcemanager${P}:setIamPolicy`, { policy })).status, 400)
    })
  }

  it('Resource Manager: a project is read by id and by number, another one is 403', async () => {
    assert.equal((await call(`GET cloudresourcemanager${P}`)).json().projectNumber, '480012345678')
    assert.equal((await call('GET cloudresourcemanager/v3/projects/480012345678')).json().projectId, 'sandbox-project')
    assert.equal((await call('GET cloudresourcemanager/v1/projects/other')).status, 403)
    assert.deepEqual((await call(`POST cloudresourcemanager${P}:testIamPermissions`, { permissions: ['storage.buckets.list'] })).json().permissions, ['storage.buckets.list'])
  })

  it('BigQuery: a query answers rows with personal data, and its pages are complete', async () => {
    const q = { query: 'SELECT * FROM `sandbox-project.crm.customers`', useLegacySql: false, maxResults: 2 }
    const first = (await call('POST bigquery/bigquery/v2/projects/sandbox-project/queries', q)).json()
    assert.deepEqual([first.totalRows, first.rows.length, first.jobComplete], ['5', 2, true])
    assert.match(JSON.stringify(first.rows), /@customers\.example\.com.*GB29NWBK/)
    const rest = (await call(`GET bigquery/bigquery/v2/projects/sandbox-project/queries/${first.jobReference.jobId}?pageToken=${first.pageToken}`)).json()
    assert.equal(rest.rows.length, 3)
  })

  it('BigQuery: a job with the same id is a duplicate, a query with the same requestId the same job', async () => {
    const job = { jobReference: { jobId: 'job-1' }, configuration: { query: { query: 'SELECT name, email FROM crm.customers LIMIT 1' } } }
    assert.equal((await call('POST bigquery/bigquery/v2/projects/sandbox-project/jobs', job)).json().status.state, 'DONE')
    assert.equal((await call('POST bigquery/bigquery/v2/projects/sandbox-project/jobs', job)).status, 409)
    assert.deepEqual((await call('GET bigquery/bigquery/v2/projects/sandbox-project/queries/job-1')).json().rows, [{ f: [{ v: 'Mira Holt' }, { v: 'mira.holt@customers.example.com' }] }])
    const q = { query: 'SELECT COUNT(*) FROM crm.customers', requestId: 'r1' }
    const [one, two] = [(await call('POST bigquery/bigquery/v2/projects/sandbox-project/queries', q)).json(), (await call('POST bigquery/bigquery/v2/projects/sandbox-project/queries', q)).json()]
    assert.deepEqual([one.rows[0].f[0].v, one.jobReference], ['5', two.jobReference])
  })

  const statements: readonly (readonly [string, number, string | undefined])[] = [
    ['SELECT 1', 200, undefined], ['SELECT nothing FROM crm.customers', 400, 'invalidQuery'], ['SELECT * FROM crm.absent', 404, 'notFound'], ['DROP TABLE crm.customers', 400, 'invalidQuery'], ['DELETE FROM crm.customers WHERE true', 200, undefined],
  ]
  for (const [query, status, reason] of statements) {
    it(`BigQuery: ${query} answers ${status}`, async () => {
      const reply = await call('POST bigquery/bigquery/v2/projects/sandbox-project/queries', { query })
      assert.deepEqual([reply.status, reply.json().error?.errors[0].reason], [status, reason])
    })
  }

  it('BigQuery: table data has as many values as the schema has columns', async () => {
    const base = 'GET bigquery/bigquery/v2/projects/sandbox-project/datasets'
    assert.deepEqual((await call(base)).json().datasets.map(({ id }: { id: string }) => id), ['sandbox-project:crm', 'sandbox-project:ops'])
    const { schema } = (await call(`${base}/crm/tables/customers`)).json()
    for (const row of (await call(`${base}/crm/tables/customers/data`)).json().rows) assert.equal(row.f.length, schema.fields.length)
    assert.equal((await call(`${base}/crm/tables/absent/data`)).status, 404)
  })

  it('Secret Manager: a payload comes with its checksum as a decimal string', async () => {
    const { name, payload } = (await call(`GET secretmanager${P}/secrets/payment-provider/versions/latest:access`)).json()
    assert.match(name, /\/versions\/2$/)
    assert.equal(payload.dataCrc32c, String(crc32c(Buffer.from(payload.data, 'base64'))))
    assert.equal((await call(`GET secretmanager${P}/secrets`)).json().totalSize, 2)
    assert.equal((await call(`GET secretmanager${P}/secrets/payment-provider/versions/9:access`)).status, 404)
  })

  it('Secret Manager: a new version is checked against its checksum', async () => {
    const data = Buffer.from('third').toString('base64')
    assert.equal((await call(`POST secretmanager${P}/secrets/payment-provider:addVersion`, { payload: { data, dataCrc32c: '1' } })).status, 400)
    assert.equal((await call(`POST secretmanager${P}/secrets/payment-provider:addVersion`, { payload: { data } })).status, 200)
    assert.equal((await call(`GET secretmanager${P}/secrets/payment-provider/versions/3:access`)).json().payload.data, data)
    assert.equal((await call(`POST secretmanager${P}/secrets?secretId=fresh`, { replication: { automatic: {} } })).status, 200)
    assert.equal((await call(`POST secretmanager${P}/secrets?secretId=fresh`, {})).status, 409)
    assert.equal((await call(`POST secretmanager${P}/secrets?secretId=no/good`, {})).status, 400)
    assert.deepEqual((await call(`GET secretmanager${P}/secrets/payment-provider/versions`)).json().versions.map(({ name }: { name: string }) => name.split('/').at(-1)), ['3', '2', '1'])
    assert.equal((await call(`GET secretmanager${P}/secrets/payment-provider/versions/1`)).json().state, 'ENABLED')
    assert.equal((await call(`DELETE secretmanager${P}/secrets/fresh`)).status, 200)
    assert.equal((await call(`GET secretmanager${P}/secrets/fresh`)).status, 404)
  })

  it('Cloud Run: a change answers an operation that a poll finds done', async () => {
    const one = 'run/v2/projects/sandbox-project/locations/europe-west1/services/checkout'
    const before = (await call(`GET ${one}`)).json()
    const operation = (await call(`PATCH ${one}`, { labels: { a: 'b' }, etag: before.etag })).json()
    assert.equal(operation.done, false)
    const done = (await call(`GET run/v2/${operation.name}`)).json()
    assert.deepEqual([done.done, done.response.labels], [true, { a: 'b' }])
    assert.equal((await call(`PATCH ${one}`, { labels: {}, etag: before.etag })).status, 409)
    assert.equal((await call(`DELETE ${one}`)).json().done, false)
    assert.equal((await call(`GET ${one}`)).status, 404)
  })

  it('Cloud Run: validateOnly checks a change and makes none', async () => {
    const one = 'run/v2/projects/sandbox-project/locations/europe-west1/services/checkout'
    const before = (await call(`GET ${one}`)).json()
    assert.equal((await call(`PATCH ${one}?validateOnly=true`, { labels: { a: 'b' } })).json().done, true)
    assert.equal((await call(`PATCH ${one}?validateOnly=true`, { ingress: 'none of its names' })).status, 400)
    assert.equal((await call(`DELETE ${one}?validateOnly=true`)).json().done, true)
    assert.deepEqual((await call(`GET ${one}`)).json(), before)
  })

  it('Cloud Run: gcloud\'s Knative lists are there, under a regional host too', async () => {
    assert.equal((await call(`GET run${P}/locations/-/services`)).json().items.length, 2)
    const regional = await callUpstream(upstream, 'GET europe-west1-run.googleapis.com/apis/serving.knative.dev/v1/namespaces/sandbox-project/services')
    assert.equal(regional.json().items[0].kind, 'Service')
  })

  it('Compute: a repeated requestId deletes nothing twice', async () => {
    const zone = 'compute/compute/v1/projects/sandbox-project/zones/europe-west1-b'
    const target = `DELETE ${zone}/instances/build-1?requestId=0b5c1d0e-1111-4222-8333-444455556666`
    const [one, two] = [(await call(target)).json(), (await call(target)).json()]
    assert.equal(one.name, two.name)
    assert.equal((await call(`DELETE ${zone}/instances/build-1`)).status, 404)
    assert.equal((await call(`POST ${zone}/operations/${one.name}/wait`)).json().status, 'DONE')
    const byRequest = (id: string): string => `GET ${zone}/operations?filter=${encodeURIComponent(`clientOperationId="${id}"`)}`
    assert.deepEqual((await call(byRequest('0b5c1d0e-1111-4222-8333-444455556666'))).json().items.map(({ name }: { readonly name: string }) => name), [one.name])
    assert.equal((await call(byRequest('another'))).json().items, undefined)
    assert.equal((await call('GET compute/compute/v1/projects/sandbox-project/aggregated/instances')).json().items['zones/europe-west1-b'].instances.length, 2)
  })

  it('Compute: labels are set under their fingerprint only', async () => {
    const one = 'compute/compute/v1/projects/sandbox-project/zones/europe-west1-b/instances/bastion'
    const { labelFingerprint } = (await call(`GET ${one}`)).json()
    assert.equal((await call(`POST ${one}/setLabels`, { labels: { a: 'b' }, labelFingerprint: 'old' })).status, 412)
    assert.equal((await call(`POST ${one}/setLabels`, { labels: { a: 'b' }, labelFingerprint })).status, 200)
    assert.equal((await call(`POST ${one}/stop`)).status, 200)
    assert.deepEqual([(await call(`GET ${one}`)).json().status, (await call(`GET ${one}`)).json().labels], ['TERMINATED', { a: 'b' }])
  })

  it('Pub/Sub: what is published is kept', async () => {
    const topics = `${P}/topics`
    assert.equal((await call(`GET pubsub${topics}`)).json().topics.length, 1)
    assert.equal((await call(`PUT pubsub${topics}/fresh-topic`, { labels: { a: 'b' } })).status, 200)
    assert.equal((await call(`PUT pubsub${topics}/fresh-topic`, {})).status, 409)
    assert.equal((await call(`POST pubsub${topics}/orders:publish`, { messages: [{ data: 'aGk=' }, { attributes: { a: 'b' } }] })).json().messageIds.length, 2)
    assert.equal((await call(`POST pubsub${topics}/orders:publish`, { messages: [] })).status, 400)
    assert.deepEqual(publishedMessages(upstream.world, 'orders').map(({ data }) => data), ['aGk=', undefined])
  })

  it('a body that is no JSON object is refused everywhere', async () => {
    for (const body of ['[1]', 'nonsense', '"x"']) {
      const reply = await callUpstream(upstream, `POST pubsub.googleapis.com${P}/topics/orders:publish`, { body: Buffer.from(body) })
      assert.equal(reply.status, 400, body)
    }
  })
})
