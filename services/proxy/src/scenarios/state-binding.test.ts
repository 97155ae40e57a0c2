import assert from 'node:assert/strict'
import { digestOf, unboundCall } from '@lockkeeper/domain/digest'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, type Response } from '../testing/raw-client.ts'
import { findCanary, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { STATE, startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [{ name: 'ask', methods: ['change'], effect: 'approve', mask: ['personal-data'] }, { name: 'rest', methods: ['*'], effect: 'allow' }]
const BEST: readonly RuleDocument[] = [{ name: 'ask', methods: ['*'], effect: 'approve', approval: { state: 'best-effort' } }]
const REQUIRED: readonly RuleDocument[] = [{ name: 'ask', methods: ['*'], effect: 'approve', approval: { state: 'required' } }]
const OBJECT = '/storage.googleapis.com/storage/v1/b/dev/o/report.csv'
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev'
const ORDERS = '/bigquery.googleapis.com/bigquery/v2/projects/shop/datasets/d/tables/orders'
const INSTANCE = '/compute.googleapis.com/compute/v1/projects/shop/zones/z/instances/web'
const SECRET = '/secretmanager.googleapis.com/v1/projects/shop/secrets/key'

interface Sent { readonly method: string, readonly path: string, readonly body?: object, readonly headers?: Readonly<Record<string, string>> }

describe('state binding', () => {
  let upstream: TestUpstream
  let test: TestProxy
  const open = async (rules = RULES, verdict: 'approved' | 'waits' = 'approved'): Promise<void> => {
    test = await startTestProxy({ upstream: upstream.origin, rules, settings: { holdMs: 300 } })
    test.desk.verdict = verdict === 'waits' ? undefined : verdict
  }
  beforeEach(async () => { upstream = await startUpstream() })
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
  })
  const answer = (state: object, status = 200): void => { upstream.state = (_request, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(state)) }
  const send = ({ method, path, body, headers = {} }: Sent): Promise<Response> =>
    call(test.origin, path, { method, headers: { ...test.bearer(), ...body === undefined ? {} : { 'content-type': 'application/json' }, ...headers }, ...body === undefined ? {} : { body: JSON.stringify(body) } })
  const asked = (): AccessRequest => test.desk.requests.at(-1) as AccessRequest

  const BOUND: readonly (readonly [string, Sent, object, (seen: TestUpstream['seen'][number]) => unknown, unknown, string])[] = [
    ['an object that is deleted', { method: 'DELETE', path: OBJECT }, STATE, ({ url }) => url.split('?')[1], 'ifGenerationMatch=7&ifMetagenerationMatch=3', `GET ${OBJECT}`],
    ['one version of an object', { method: 'DELETE', path: `${OBJECT}?generation=5` }, STATE, ({ url }) => url.split('?')[1], 'generation=5&ifMetagenerationMatch=3', `GET ${OBJECT}?generation=5`],
    ['a bucket that is changed', { method: 'PATCH', path: BUCKET, body: { labels: { a: 'b' } } }, STATE, ({ url }) => url.split('?')[1], 'ifMetagenerationMatch=3', `GET ${BUCKET}`],
    ['an object that is copied onto itself', { method: 'POST', path: `${BUCKET}/o/report.csv/rewriteTo/b/dev/o/report.csv`, body: {} }, STATE, ({ url }) => url.split('?')[1], 'ifGenerationMatch=7&ifSourceGenerationMatch=7', `GET ${OBJECT}`],
    ['an object that is moved', { method: 'POST', path: `${OBJECT}/moveTo/o/new.csv` }, STATE, ({ url }) => url.split('?')[1], 'ifSourceGenerationMatch=7', `GET ${OBJECT}`],
    ['a table that is changed', { method: 'PATCH', path: ORDERS, body: { description: 'x' } }, STATE, ({ headers }) => headers['if-match'], 'BwX=', `GET ${ORDERS}`],
    ['a secret that is deleted', { method: 'DELETE', path: SECRET }, STATE, ({ url }) => url.split('?')[1], 'etag=BwX%3D', `GET ${SECRET}`],
    ['a secret version that is disabled without a body', { method: 'POST', path: `${SECRET}/versions/1:disable` }, STATE, ({ body, headers }) => [String(body), headers['content-type']], ['{"etag":"BwX="}', 'application/json'], `GET ${SECRET}/versions/1`],
    ['labels of an instance', { method: 'POST', path: `${INSTANCE}/setLabels`, body: { labels: { a: 'b' } } }, { labelFingerprint: 'f1=' }, ({ body }) => String(body), '{"labelFingerprint":"f1=","labels":{"a":"b"}}', `GET ${INSTANCE}`],
    ['metadata of an instance', { method: 'POST', path: `${INSTANCE}/setMetadata`, body: { items: [] } }, { fingerprint: 'no', metadata: { fingerprint: 'f2=' } }, ({ body }) => String(body), '{"fingerprint":"f2=","items":[]}', `GET ${INSTANCE}`],
    ['the IAM policy of a project', { method: 'POST', path: '/cloudresourcemanager.googleapis.com/v3/projects/shop:setIamPolicy', body: { policy: { bindings: [] } } }, STATE, ({ body }) => String(body), '{"policy":{"bindings":[],"etag":"BwX="}}', 'POST /cloudresourcemanager.googleapis.com/v3/projects/shop:getIamPolicy'],
  ]
  for (const [what, sent, state, read, wanted, reader] of BOUND) {
    it(`invariant 4: ${what} is read and its state put into the call before anybody is asked`, async () => {
      await open()
      answer(state)
      const { status } = await send(sent)
      assert.deepEqual([status, upstream.seen.map(read)], [200, [wanted]])
      assert.deepEqual([...new Set(upstream.reads.map(({ verb, url }) => `${verb} /${sent.path.split('/')[1]}${url}`.replace(/\?optionsRequested.*/, '')))], [reader])
      assert.equal(asked().state?.kind, 'bound')
      assert.equal(digestOf(unboundCall(asked().call)), asked().attach.digest, 'the agent\'s own call is what is left without it')
      assert.notEqual(digestOf(asked().call), asked().attach.digest, 'the precondition is a part of what is approved')
    })
  }

  it('what is not there is bound to not being there, where the API knows that', async () => {
    await open()
    answer({ error: {} }, 404)
    const upload = await call(test.origin, '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=new', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'text/plain' }, body: 'x' })
    assert.deepEqual([upload.status, upstream.seen[0]?.url], [200, '/upload/storage/v1/b/dev/o?uploadType=media&name=new&ifGenerationMatch=0'])
    assert.deepEqual([asked().state?.kind, asked().state?.exists], ['bound', false])
  })

  it('where the API has no precondition the gateway alone compares, and the request says so', async () => {
    await open()
    await send({ method: 'DELETE', path: ORDERS })
    assert.deepEqual([asked().state?.kind, asked().call.bound, upstream.seen[0]?.url], ['checked', undefined, ORDERS.slice('/bigquery.googleapis.com'.length)])
  })

  for (const [what, sent, changed] of [
    ['an object\'s generation', { method: 'DELETE', path: OBJECT }, { generation: '8' }], ['an object\'s metageneration', { method: 'DELETE', path: OBJECT }, { metageneration: '4' }],
    ['one byte of an etag', { method: 'DELETE', path: ORDERS }, { etag: 'BwY=' }], ['one byte of a resource without an etag', { method: 'DELETE', path: INSTANCE }, { etag: undefined, labels: { team: 'b' } }],
    ['a bucket made anew', { method: 'DELETE', path: BUCKET }, { timeCreated: '2026-01-02T00:00:00Z' }],
  ] as const) {
    it(`invariant 4: ${what} that changes between the approval and the run: nothing is sent`, async () => {
      await open(RULES, 'waits')
      const state: Record<string, unknown> = { ...STATE, timeCreated: '2026-01-01T00:00:00Z', ...'etag' in changed && changed.etag === undefined ? { etag: undefined } : {} }
      answer(state)
      assert.equal((await send(sent)).reason(), 'APPROVAL_PENDING')
      const first = asked()
      test.desk.decide(first.id, 'approved')
      answer({ ...state, ...changed })
      const late = await send(sent)
      assert.deepEqual([late.status, late.reason(), upstream.seen.length], [409, 'STATE_CHANGED', 0])
      assert.equal((await send(sent)).reason(), 'APPROVAL_PENDING')
      assert.deepEqual([asked().id === first.id, asked().attach, asked().stateHash === first.stateHash], [false, first.attach, false])
      assert.equal(upstream.seen.length, 0)
    })
  }

  it('a request that waits is asked anew when its resource has changed', async () => {
    await open(RULES, 'waits')
    await send({ method: 'DELETE', path: OBJECT })
    answer({ ...STATE, generation: '9' })
    await send({ method: 'DELETE', path: OBJECT })
    assert.deepEqual(test.desk.requests.map(({ call: { arguments: { ifGenerationMatch } } }) => ifGenerationMatch), ['7', '9'])
    await send({ method: 'DELETE', path: OBJECT })
    assert.equal(test.desk.requests.length, 2)
  })

  it('the receipt of a call that ran is found although the call has changed the state', async () => {
    await open()
    upstream.answer = (_request, response) => {
      answer({ error: {} }, 404)
      response.writeHead(204).end()
    }
    const [first, second] = [await send({ method: 'DELETE', path: OBJECT }), await send({ method: 'DELETE', path: OBJECT })]
    assert.deepEqual([first.status, second.status, upstream.seen.length], [204, 204, 1])
    assert.notEqual(second.headers['x-lockkeeper-receipt'], undefined)
  })

  for (const [what, sent] of [
    ['argument', { method: 'DELETE', path: `${OBJECT}?ifGenerationMatch=6` }], ['header', { method: 'PATCH', path: ORDERS, body: {}, headers: { 'if-match': 'old' } }], ['field', { method: 'POST', path: `${INSTANCE}/setLabels`, body: { labelFingerprint: 'old' } }],
  ] as const) {
    it(`a precondition of the agent's own (${what}) that does not hold asks nobody`, async () => {
      await open()
      answer({ ...STATE, labelFingerprint: 'new' })
      const { status } = await send(sent)
      assert.deepEqual([status, test.desk.requests.length, upstream.seen.length], [409, 0, 0])
    })
  }

  it('a precondition of the agent\'s own that holds stays the agent\'s', async () => {
    await open()
    assert.equal((await send({ method: 'DELETE', path: `${OBJECT}?ifMetagenerationMatch=3&ifGenerationMatch=7` })).status, 200)
    assert.deepEqual([asked().call.bound, asked().state?.kind], [undefined, 'bound'])
  })

  it('Google\'s own 412 reaches the agent, and the call counts as answered', async () => {
    await open()
    upstream.answer = (_request, response) => void response.writeHead(412, { 'content-type': 'application/json' }).end('{"error":{"code":412}}')
    assert.equal((await send({ method: 'DELETE', path: OBJECT })).status, 412)
    assert.deepEqual(test.desk.outcomes.map((one) => one.kind === 'answered' ? one.status : one.kind), [412])
  })

  const UNREADABLE: readonly (readonly [string, TestUpstream['state']])[] = [
    ['is forbidden', (_request, response) => void response.writeHead(403).end('{}')],
    ['fails', (_request, response) => void response.writeHead(500).end()],
    ['is cut', (request) => void request.socket.destroy()],
    ['is over 1 MiB', (_request, response) => void response.writeHead(200).end(`{"a":"${'x'.repeat(1_100_000)}"}`)],
    ['is no JSON', (_request, response) => void response.writeHead(200).end('<html>')],
    ['is no object', (_request, response) => void response.writeHead(200).end('[]')],
    ['has a key twice', (_request, response) => void response.writeHead(200).end('{"generation":"1","generation":"2"}')],
    ['is too deep', (_request, response) => void response.writeHead(200).end(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)],
  ]
  for (const [what, state] of UNREADABLE) {
    it(`invariant 10: a state whose read ${what} refuses the call and asks nobody`, async () => {
      await open()
      upstream.state = state
      const refused = await send({ method: 'DELETE', path: OBJECT })
      assert.deepEqual([refused.reason(), test.desk.requests.length, upstream.seen.length], ['UPSTREAM_UNREACHABLE', 0, 0])
    })
  }

  it('where policy makes the best effort enough, the request says that it is bound to nothing', async () => {
    await open(BEST)
    upstream.state = (_request, response) => void response.writeHead(403).end('{}')
    assert.equal((await send({ method: 'DELETE', path: OBJECT })).status, 200)
    assert.deepEqual([asked().state?.kind, asked().stateHash, asked().state?.why], ['unread', undefined, 'the upstream answered 403'])
  })

  it('invariant 4: an approval beside a state that was read is not used beside one that cannot be', async () => {
    await open(BEST, 'waits')
    await send({ method: 'DELETE', path: OBJECT })
    test.desk.decide(asked().id, 'approved')
    upstream.state = (_request, response) => void response.writeHead(500).end()
    assert.equal((await send({ method: 'DELETE', path: OBJECT })).reason(), 'UPSTREAM_UNREACHABLE')
    answer(STATE)
    assert.equal((await send({ method: 'DELETE', path: OBJECT })).status, 200)
  })

  it('a method without a getter is asked for as one, and refused where policy wants a state', async () => {
    await open()
    const create = { method: 'POST', path: '/storage.googleapis.com/storage/v1/b?project=p', body: { name: 'x' } }
    assert.equal((await send(create)).status, 200)
    assert.deepEqual([asked().state?.kind, upstream.reads.length], ['none', 0])
    await test.stop()
    await open(REQUIRED)
    assert.equal((await send(create)).reason(), 'POLICY_DENIED')
  })

  it('what the body changes is told beside what was there, masked and bounded', async () => {
    await open()
    answer({ ...STATE, labels: { owner: 'jane.doe@example.com', team: 'a', same: 's' }, cors: [{ origin: ['https://a'] }, { origin: ['https://b'] }] })
    await send({ method: 'PATCH', path: BUCKET, body: { labels: { owner: 'x', team: null, same: 's', fresh: '1' }, cors: [{ origin: ['https://c'] }] } })
    const { changes } = asked().state ?? {}
    assert.deepEqual(changes?.map(({ path }) => path.join('.')), ['labels.owner', 'labels.team', 'labels.fresh', 'cors.0.origin.0', 'cors.1'])
    assert.ok(!JSON.stringify(changes).includes('jane'))
    assert.deepEqual(changes?.map(({ before }) => before === undefined), [false, false, true, false, false])
  })

  it('many changes are counted', async () => {
    await open()
    const labels = (value: string): Record<string, string> => Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`l${index}`, value]))
    answer({ ...STATE, labels: labels('a') })
    await send({ method: 'PATCH', path: BUCKET, body: { labels: labels('b') } })
    assert.deepEqual([asked().state?.changes?.length, asked().state?.moreChanges], [50, 30])
  })

  it('invariants 3 and 8: each read has a record of the gateway\'s own before it is sent, and neither token is in it', async () => {
    await open()
    await send({ method: 'DELETE', path: OBJECT })
    await test.outcomes(1)
    const own = test.records.filter((one) => one.kind !== 'event' && one.origin === 'gateway').map((one) => `${one.kind} ${'method' in one ? one.method : ''}`)
    assert.deepEqual(own, ['intent storage.objects.get', 'outcome storage.objects.get', 'intent storage.objects.get', 'outcome storage.objects.get'], 'before it asks and before it runs')
    assert.equal(test.records.some(({ id }) => id === asked().state?.record), true)
    assert.equal(findCanary(test.written()), undefined)
  })

  it('invariant 1: without a log nothing is read', async () => {
    await open()
    test.log = 'fail'
    assert.equal((await send({ method: 'DELETE', path: OBJECT })).reason(), 'AUDIT_UNAVAILABLE')
    assert.deepEqual([upstream.reads.length, upstream.seen.length], [0, 0])
  })

  it('a call that needs no person causes no read', async () => {
    await open([{ name: 'all', methods: ['*'], effect: 'allow' }])
    await send({ method: 'DELETE', path: OBJECT })
    assert.deepEqual([upstream.reads.length, upstream.seen[0]?.url], [0, '/storage/v1/b/dev/o/report.csv'])
  })
})
