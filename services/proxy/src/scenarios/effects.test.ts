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
    test = await startTestProxy({ upstream: upstream.origin, rules: [{ name: 'ask', methods: ['*'], effect: 'approve' }], settings: { holdMs: 10 } })
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

  it('what cannot be found out stops nobody from asking', async () => {
    answers = { '/bigquery/v2/projects/shop/queries': { totalBytesProcessed: '<script>' } }
    assert.equal((await ask('POST', QUERIES, { ...QUERY, query: 'SELECT 2' }))?.kind, 'unknown')
  })

  it('invariant 8: a dry run has records of the gateway\'s own, and nothing of the agent\'s was sent', async () => {
    assert.deepEqual(upstream.seen, [])
    assert.ok(test.records.some((one) => one.kind === 'intent' && one.origin === 'gateway' && one.method === 'bigquery.jobs.query' && one.change === false))
  })
})
