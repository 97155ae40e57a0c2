import assert from 'node:assert/strict'
import type { EffectFacts } from '@lockkeeper/domain/ports'
import { call } from '../testing/raw-client.ts'
import { startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { STATE, startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const QUERY = { query: 'DELETE FROM d.t WHERE true', useLegacySql: false }
const JOBS = '/bigquery.googleapis.com/bigquery/v2/projects/shop/jobs'
const QUERIES = '/bigquery.googleapis.com/bigquery/v2/projects/shop/queries'
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev'

describe('the effect of a call', () => {
  let upstream: TestUpstream
  let test: TestProxy
  let answers: Readonly<Record<string, object>>
  before(async () => {
    upstream = await startUpstream()
    upstream.state = (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? ''
      response.writeHead(Object.hasOwn(answers, path) || !path.endsWith('/missing') ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answers[path] ?? STATE))
    }
    test = await startTestProxy({ upstream: upstream.origin, rules: [{ name: 'ask', methods: ['*'], effect: 'approve', mask: ['email'] }], settings: { holdMs: 10 } })
  })
  beforeEach(() => { answers = {} })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })
  const ask = async (method: string, path: string, body?: object): Promise<EffectFacts | undefined> => {
    const before = upstream.reads.length
    await call(test.origin, path, { method, headers: { ...test.bearer({ jti: `${Math.random()}` }), ...body === undefined ? {} : { 'content-type': 'application/json' } }, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    reads = upstream.reads.slice(before)
    return test.desk.requests.at(-1)?.effect
  }
  let reads: TestUpstream['reads'] = []

  it('a query is tried dry, as it is, and its bytes are told', async () => {
    answers = { '/bigquery/v2/projects/shop/queries': { totalBytesProcessed: '123456789' } }
    const effect = await ask('POST', QUERIES, QUERY)
    assert.deepEqual([effect?.kind, effect?.amount], ['bytes', '123456789'])
    assert.deepEqual(reads.map(({ body }) => JSON.parse(String(body))), [{ ...QUERY, dryRun: true }])
  })

  it('a query job is tried dry without its id', async () => {
    answers = { '/bigquery/v2/projects/shop/jobs': { statistics: { totalBytesProcessed: '5' } } }
    const effect = await ask('POST', JOBS, { jobReference: { jobId: 'once', location: 'EU' }, configuration: { query: QUERY } })
    assert.deepEqual([effect?.kind, effect?.amount], ['bytes', '5'])
    assert.deepEqual(reads.map(({ body }) => JSON.parse(String(body))), [{ configuration: { query: QUERY, dryRun: true }, jobReference: { location: 'EU' } }])
  })

  for (const [what, body] of [['a job that is dry already', { configuration: { dryRun: true, query: QUERY } }], ['a job that is no query', { configuration: { load: { sourceUris: [] } } }]] as const) {
    it(`${what} is not tried`, async () => {
      await ask('POST', JOBS, body)
      assert.deepEqual(reads.filter(({ verb }) => verb === 'POST'), [])
    })
  }

  for (const [what, answer, wanted] of [
    ['none', {}, { kind: 'objects', amount: '0' }], ['two', { items: [{}, {}] }, { kind: 'objects', amount: '2' }],
    ['more than are counted', { items: Array.from({ length: 1000 }, () => ({})), nextPageToken: 'x' }, { kind: 'objects', amount: '1000', more: true }], ['no list', { items: 'evil' }, { kind: 'unknown', why: 'the answer does not say it' }],
  ] as const) {
    it(`objects of a bucket that is deleted are counted: ${what}`, async () => {
      answers = { '/storage/v1/b/dev/o': answer }
      const { record: _record, ...effect } = await ask('DELETE', `${BUCKET}?ifMetagenerationMatch=3&userProject=p${what.length}`) ?? {}
      assert.deepEqual(effect, wanted)
      assert.ok(reads.some(({ url }) => url.startsWith('/storage/v1/b/dev/o?maxResults=1000&fields=')))
    })
  }

  it('tables of a dataset that is deleted are counted', async () => {
    answers = { '/bigquery/v2/projects/shop/datasets/d/tables': { totalItems: 12 } }
    const effect = await ask('DELETE', '/bigquery.googleapis.com/bigquery/v2/projects/shop/datasets/d')
    assert.deepEqual([effect?.kind, effect?.amount], ['tables', '12'])
  })

  describe('checked by the API without being done', () => {
    const SERVICE = '/run.googleapis.com/v2/projects/shop/locations/l/services/web'
    const VALIDATED: readonly (readonly [what: string, method: string, path: string, body: object | undefined, url: string, sent: object | undefined])[] = [
      ['a service that is changed', 'PATCH', `${SERVICE}?updateMask=labels`, { labels: { a: 'b' } }, '/v2/projects/shop/locations/l/services/web?updateMask=labels&validateOnly=true', { etag: 'BwX=', labels: { a: 'b' } }],
      ['a service that is deleted', 'DELETE', SERVICE, undefined, '/v2/projects/shop/locations/l/services/web?etag=BwX%3D&validateOnly=true', undefined],
      ['a job that is run', 'POST', '/run.googleapis.com/v2/projects/shop/locations/l/jobs/j:run', undefined, '/v2/projects/shop/locations/l/jobs/j:run', { etag: 'BwX=', validateOnly: true }],
      ['a service of the first version', 'DELETE', '/run.googleapis.com/apis/serving.knative.dev/v1/namespaces/shop/services/web', undefined, '/apis/serving.knative.dev/v1/namespaces/shop/services/web?dryRun=all', undefined],
      ['a tag', 'POST', '/cloudresourcemanager.googleapis.com/v3/tagKeys', { shortName: 'env' }, '/v3/tagKeys?validateOnly=true', { shortName: 'env' }],
      ['a rule of a firewall, without its request id', 'POST', '/compute.googleapis.com/compute/v1/projects/shop/regions/r/securityPolicies?requestId=6f1b3c2e-0000-4000-8000-000000000001', { name: 'x' }, '/compute/v1/projects/shop/regions/r/securityPolicies?validateOnly=true', { name: 'x' }],
    ]
    for (const [what, method, path, body, url, sent] of VALIDATED) {
      it(`${what} is asked about as it would be sent`, async () => {
        const effect = await ask(method, path, body)
        const check = reads.find(({ url }) => /validateOnly|dryRun|:run/.test(url)) as TestUpstream['reads'][number]
        assert.deepEqual([effect?.kind, check.verb, check.url, check.body.length === 0 ? undefined : JSON.parse(String(check.body))], ['accepted', method, url, sent])
        assert.ok(test.records.some(({ id }) => id === effect?.record))
      })
    }

    for (const [what, status, answer, wanted] of [
      ['refuses', 400, { error: { message: 'no such image' } }, { kind: 'refused', why: '400: no such image' }], ['refuses with a mail address', 403, { error: { message: 'jane.doe@example.com may not' } }, undefined],
      ['finds nothing', 404, 'text', { kind: 'refused', why: '404: it gave no reason' }], ['answers an operation that failed', 200, { done: true, error: { code: 3, message: 'bad ingress' } }, { kind: 'refused', why: '200: bad ingress' }],
      ['answers a list of errors', 200, { error: { errors: [{ code: 'X', message: 'too many' }] } }, { kind: 'refused', why: '200: too many' }],
      ['is busy', 429, {}, { kind: 'unknown', why: 'the upstream answered 429' }], ['fails', 503, {}, { kind: 'unknown', why: 'the upstream answered 503' }], ['leads elsewhere', 302, {}, { kind: 'unknown', why: 'the upstream answered 302' }],
    ] as const) {
      it(`an API that ${what} is told as it is, masked`, async () => {
        const path = `/v2/projects/shop/locations/l/services/s-${what.replaceAll(' ', '-')}`
        const before = upstream.state
        upstream.state = (request, response) => request.url?.startsWith(path) === true && request.method === 'DELETE' ? void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer)) : before(request, response)
        const { record: _record, ...effect } = await ask('DELETE', `/run.googleapis.com${path}`) ?? {}
        upstream.state = before
        if (wanted === undefined) assert.ok(!JSON.stringify(effect).includes('jane'))
        else assert.deepEqual(effect, wanted)
      })
    }

    for (const [what, method, path, body] of [
      ['a call that only checks already', 'DELETE', `${SERVICE}?validateOnly=true`, undefined], ['one that says that it does not', 'DELETE', `${SERVICE}?validateOnly=false`, undefined],
      ['a method that cannot', 'PATCH', BUCKET, { labels: {} }], ['a machine, which cannot', 'DELETE', '/compute.googleapis.com/compute/v1/projects/shop/zones/z/instances/web', undefined],
    ] as const) {
      it(`${what} is not asked about`, async () => {
        assert.equal(await ask(method, path, body), undefined)
        assert.deepEqual(reads.filter(({ verb }) => verb !== 'GET'), [])
      })
    }

    for (const [what, options] of [
      ['where the rule says so', { rules: [{ name: 'ask', methods: ['*'], effect: 'approve', approval: { validate: false } }] }],
      ['where the upstream may be another thing than Google', { settings: { holdMs: 10, mode: 'real' } }],
    ] as const) {
      it(`nothing is asked ${what}`, async () => {
        const other = await startTestProxy({ upstream: upstream.origin, rules: [{ name: 'ask', methods: ['*'], effect: 'approve' }], settings: { holdMs: 10 }, ...options as object })
        const before = upstream.reads.length
        await call(other.origin, SERVICE, { method: 'DELETE', headers: other.bearer() })
        await other.stop()
        assert.deepEqual([other.desk.requests.length, other.desk.requests[0]?.effect, upstream.reads.slice(before).filter(({ verb }) => verb !== 'GET')], [1, undefined, []])
      })
    }
  })

  it('what cannot be found out stops nobody from asking', async () => {
    answers = { '/bigquery/v2/projects/shop/queries': { totalBytesProcessed: '<script>' } }
    assert.equal((await ask('POST', QUERIES, { ...QUERY, query: 'SELECT 2' }))?.kind, 'unknown')
  })

  it('invariant 8: a dry run has records of the gateway\'s own, and nothing of the agent\'s was sent', async () => {
    assert.deepEqual(upstream.seen, [])
    assert.ok(test.records.some((one) => one.kind === 'intent' && one.origin === 'gateway' && one.method === 'bigquery.jobs.query' && one.change === false))
  })
})
