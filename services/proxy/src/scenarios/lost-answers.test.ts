import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { digestOf, unboundCall } from '@lockkeeper/domain/digest'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { AccessRequest, Outcome } from '@lockkeeper/domain/ports'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, type Response } from '../testing/raw-client.ts'
import { findCanary, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { STATE, startUpstream, type Seen, type TestUpstream } from '../testing/test-upstream.ts'

const ASK: readonly RuleDocument[] = [{ name: 'ask', methods: ['change'], effect: 'approve', mask: ['email'] }, { name: 'rest', methods: ['*'], effect: 'allow' }]
const JOBS = '/bigquery.googleapis.com/bigquery/v2/projects/shop/jobs'
const QUERY = { configuration: { query: { query: 'DELETE FROM d.t WHERE true', useLegacySql: false } } }
const ZONE = '/compute.googleapis.com/compute/v1/projects/shop/zones/z'
const INSTANCE = `${ZONE}/instances/web`
const NETWORKS = '/compute.googleapis.com/compute/v1/projects/shop/global/networks'
const OBJECT = '/storage.googleapis.com/storage/v1/b/dev/o/report.csv'
const POLICY = '/cloudresourcemanager.googleapis.com/v3/projects/shop:setIamPolicy'
const UUID = /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

interface Sent { readonly method: string, readonly path: string, readonly body?: object | string, readonly headers?: Readonly<Record<string, string>> }
/** What the API knows after the call, as its reads tell it. */
type After = (seen: Seen, at: number) => { readonly status?: number, readonly json: unknown }

describe('an approved call whose answer is lost', () => {
  let upstream: TestUpstream
  let test: TestProxy
  beforeEach(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin, rules: ASK, settings: { holdMs: 300, lookAfterMs: [0, 1] } })
    test.desk.verdict = 'approved'
  })
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
  })
  const send = ({ method, path, body, headers = {} }: Sent): Promise<Response> =>
    call(test.origin, path, { method, headers: { ...test.bearer(), ...typeof body === 'object' ? { 'content-type': 'application/json' } : {}, ...headers }, ...body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) } })
  const asked = (): AccessRequest => test.desk.requests.at(-1) as AccessRequest
  const last = (): Outcome => test.desk.outcomes.at(-1) as Outcome
  const cut = (request: IncomingMessage): void => void request.socket.destroy()
  /** The upstream does it, tells it to whoever reads from then on, and breaks off. */
  const runsAndBreaksOff = (after: After, end: (request: IncomingMessage, response: ServerResponse) => void = cut): void => {
    upstream.answer = (request, response, seen) => {
      const { status = 200, json } = after(seen, Date.now())
      upstream.state = (_request, answer) => void answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
      end(request, response)
    }
  }
  const keyIn = ({ url }: Seen): string => new URL(url, 'http://x').searchParams.get('requestId') ?? ''
  const bodyOf = ({ body }: Seen): { readonly jobReference: { readonly jobId: string } } => JSON.parse(String(body)) as never

  const operation = (changes: object = {}): After => (seen) => ({ json: { kind: 'compute#operationList', items: [{ kind: 'compute#operation', name: 'op-1', user: 'jane.doe@example.com', clientOperationId: keyIn(seen), ...changes }] } })
  const job: After = (seen, at) => ({ json: { kind: 'bigquery#job', ...bodyOf(seen), statistics: { creationTime: String(at) }, user_email: 'jane.doe@example.com' } })
  const RAN: readonly (readonly [what: string, sent: Sent, after: After, reader: RegExp, status: number])[] = [
    ['an instance that is deleted', { method: 'DELETE', path: INSTANCE }, operation(), /^GET \/compute\/v1\/projects\/shop\/zones\/z\/operations\?filter=clientOperationId%3D%22[\da-f-]{36}%22&maxResults=2$/, 200],
    ['a network that is made', { method: 'POST', path: NETWORKS, body: { name: 'n' } }, operation(), /^GET \/compute\/v1\/projects\/shop\/global\/operations\?/, 200],
    ['a job', { method: 'POST', path: JOBS, body: QUERY }, job, /^GET \/bigquery\/v2\/projects\/shop\/jobs\/lockkeeper_[\da-f-]{36}$/, 200],
    ['a job of a region', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { projectId: 'shop', location: 'EU' } } }, job, /^GET \/bigquery\/v2\/projects\/shop\/jobs\/lockkeeper_[\da-f-]{36}\?location=EU$/, 200],
    ['a job with an id of the agent\'s own', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { projectId: 'shop', jobId: 'mine' } } }, job, /^GET \/bigquery\/v2\/projects\/shop\/jobs\/mine$/, 200],
    ['an object that is deleted', { method: 'DELETE', path: OBJECT }, () => ({ status: 404, json: {} }), /^GET \/storage\/v1\/b\/dev\/o\/report.csv$/, 204],
    ['an object\'s metadata', { method: 'PATCH', path: OBJECT, body: { metadata: { a: 'b' } } }, () => ({ json: { ...STATE, metageneration: '4', metadata: { a: 'b' } } }), /^GET \/storage\/v1\/b\/dev\/o\/report.csv$/, 200],
    ['a bucket\'s labels', { method: 'PATCH', path: '/storage.googleapis.com/storage/v1/b/dev', body: { labels: { team: null, fresh: '1' } } }, () => ({ json: { ...STATE, metageneration: '4', labels: { fresh: '1' } } }), /^GET \/storage\/v1\/b\/dev$/, 200],
    ['an upload with a checksum', { method: 'POST', path: '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=new', body: 'x', headers: { 'content-type': 'text/plain', 'x-goog-hash': 'crc32c=yZRlqg==' } }, () => ({ json: { ...STATE, generation: '8', crc32c: 'yZRlqg==' } }), /^GET \/storage\/v1\/b\/dev\/o\/new$/, 200],
    ['an IAM policy', { method: 'POST', path: POLICY, body: { policy: { bindings: [{ role: 'roles/viewer', members: ['user:a@x.org'] }] } } }, () => ({ json: { etag: 'next', bindings: [{ role: 'roles/viewer', members: ['user:a@x.org'] }] } }), /^POST \/v3\/projects\/shop:getIamPolicy$/, 200],
  ]
  for (const [what, sent, after, reader, status] of RAN) {
    it(`invariant 5: ${what}: the API is asked what became of it, the agent gets the answer, and nothing is sent twice`, async () => {
      runsAndBreaksOff(after)
      const answer = await send(sent)
      assert.equal(answer.status, status, answer.text())
      assert.ok(!answer.text().includes('jane.doe'), 'masked as its own answer would have been')
      const [read] = upstream.reads.slice(-1)
      assert.match(`${read?.verb} ${read?.url}`, reader)
      const outcome = last()
      assert.ok(outcome.kind === 'answered' && outcome.evidence?.includes('Its answer was lost'), JSON.stringify(outcome))
      const again = await send(sent)
      assert.deepEqual([again.status, again.text(), upstream.seen.length, test.desk.requests.length], [status, answer.text(), 1, 1])
      const [record] = await test.outcomes(1)
      assert.deepEqual([record?.result, record?.status], ['answered', status])
      assert.match(record?.detail ?? '', /Its answer was lost \(.*\); .*, record rec_/)
    })
  }

  const UNTOLD: readonly (readonly [what: string, sent: Sent, after: After, why: RegExp])[] = [
    ['an operation that is not there', { method: 'DELETE', path: INSTANCE }, () => ({ json: { kind: 'compute#operationList' } }), /there is no operation of the request .* yet/],
    ['an operation of another request', { method: 'DELETE', path: INSTANCE }, operation({ clientOperationId: 'another' }), /there is no operation/],
    ['a job that is not there', { method: 'POST', path: JOBS, body: QUERY }, () => ({ status: 404, json: {} }), /there is no job lockkeeper_/],
    ['another job', { method: 'POST', path: JOBS, body: QUERY }, () => ({ json: { jobReference: { jobId: 'x' } } }), /about another job/],
    ['an older job with the agent\'s id', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { jobId: 'mine' } } }, (seen, at) => ({ json: { ...bodyOf(seen), statistics: { creationTime: String(at - 60_000) } } }), /an older one or does another thing/],
    ['a job with the agent\'s id that does another thing', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { jobId: 'mine' } } }, (seen, at) => ({ json: { ...bodyOf(seen), configuration: { query: { query: 'SELECT 1', useLegacySql: false } }, statistics: { creationTime: String(at) } } }), /an older one or does another thing/],
    ['an object that is there as it was', { method: 'DELETE', path: OBJECT }, () => ({ json: STATE }), /the object is there as it was \(generation 7\)/],
    ['another object', { method: 'DELETE', path: OBJECT }, () => ({ json: { ...STATE, generation: '9' } }), /there is another object by now/],
    ['metadata that somebody else changed', { method: 'PATCH', path: OBJECT, body: { metadata: { a: 'b' } } }, () => ({ json: { ...STATE, metageneration: '4', metadata: { a: 'c' } } }), /is not as it was sent/],
    ['metadata that was changed twice', { method: 'PATCH', path: OBJECT, body: { metadata: { a: 'b' } } }, () => ({ json: { ...STATE, metageneration: '5', metadata: { a: 'b' } } }), /is not as it was sent/],
    ['an upload without a checksum', { method: 'POST', path: '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=new', body: 'x', headers: { 'content-type': 'text/plain' } }, () => ({ json: { ...STATE, generation: '8' } }), /declared no checksum/],
    ['a policy that somebody else has set', { method: 'POST', path: POLICY, body: { policy: { bindings: [] } } }, () => ({ json: { etag: 'next', bindings: [{ role: 'roles/viewer', members: ['user:b@x.org'] }] } }), /not the one that was sent/],
    ['what cannot be read', { method: 'DELETE', path: OBJECT }, () => ({ status: 403, json: {} }), /could not be read \(the upstream answered 403\)/],
    ['a list that is none', { method: 'DELETE', path: INSTANCE }, () => ({ json: { items: 'evil' } }), /there is no operation/],
  ]
  for (const [what, sent, after, why] of UNTOLD) {
    it(`invariant 5: ${what} proves nothing: the call stays unknown, with what was seen, and is not sent again`, async () => {
      runsAndBreaksOff(after)
      const answer = await send(sent)
      assert.deepEqual([answer.status, answer.reason()], [409, 'OUTCOME_UNKNOWN'])
      const outcome = last()
      assert.ok(outcome.kind === 'unknown')
      assert.match(outcome.why, why)
      assert.equal((await send(sent)).reason(), 'OUTCOME_UNKNOWN')
      assert.equal(upstream.seen.length, 1)
    })
  }

  it('a look that finds nothing yet is followed by another', async () => {
    runsAndBreaksOff(operation())
    const { answer } = upstream
    upstream.answer = (request, response, seen) => {
      answer(request, response, seen)
      const found = upstream.state
      upstream.state = (_read, told) => {
        upstream.state = found
        told.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      }
    }
    assert.equal((await send({ method: 'DELETE', path: INSTANCE })).status, 200)
  })

  it('after a 5xx the agent gets it, and the same call again the answer that was found', async () => {
    runsAndBreaksOff(operation(), (_request, response) => void response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"code":503}}'))
    assert.equal((await send({ method: 'DELETE', path: INSTANCE })).status, 503)
    const again = await send({ method: 'DELETE', path: INSTANCE })
    assert.deepEqual([again.status, JSON.parse(again.text()).name, upstream.seen.length], [200, 'op-1', 1])
    assert.deepEqual(test.desk.delivered.length, 1, 'only then was it delivered')
  })

  it('a lock that falls while the answer is awaited: what is found is kept, and the agent gets nothing of it', async () => {
    runsAndBreaksOff(operation(), () => test.lock({ kind: 'everything' }))
    const answer = await send({ method: 'DELETE', path: INSTANCE })
    assert.equal(answer.reason(), 'AGENT_LOCKED')
    assert.equal(last().kind, 'answered')
  })

  it('invariants 3 and 8: each look has records of the gateway\'s own, and neither token is written down', async () => {
    runsAndBreaksOff(operation())
    await send({ method: 'DELETE', path: INSTANCE })
    await test.outcomes(1)
    assert.ok(test.records.some((one) => one.kind === 'intent' && one.origin === 'gateway' && one.method === 'compute.zoneOperations.list'))
    assert.equal(findCanary(test.written()), undefined)
  })

  describe('whose gateway died before it could tell', () => {
    const orphan = async (sent: Sent): Promise<string> => {
      test.desk.verdict = undefined
      await send(sent)
      const { id } = asked()
      test.documents.put(approvals.name, id, { ...test.documents.get<ApprovalDocument>(approvals.name, id) as ApprovalDocument, state: 'unknown', refusal: 'OUTCOME_UNKNOWN', reason: 'silent', fence: 'f1' })
      return id
    }
    const tell = (json: object, status = 200): void => { upstream.state = (_request, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json)) }

    it('invariant 5: sent again, it is looked for by its key, told to have run, and not sent', async () => {
      const id = await orphan({ method: 'DELETE', path: INSTANCE })
      tell({ items: [{ name: 'op-1', clientOperationId: asked().call.arguments['requestId'] }] })
      const answer = await send({ method: 'DELETE', path: INSTANCE })
      assert.deepEqual([answer.reason(), test.desk.state(id), upstream.seen.length], ['RECEIPT_GONE', 'answered', 0])
      const outcome = last()
      assert.ok(outcome.kind === 'answered' && outcome.answer === undefined)
      assert.match(outcome.evidence ?? '', /Its answer was lost \(silent\); compute\.zoneOperations\.list at .*, record rec_/)
    })

    for (const [what, sent, json, status] of [
      ['where there is nothing of it', { method: 'DELETE', path: INSTANCE }, {}, 200], ['where it cannot be read', { method: 'DELETE', path: INSTANCE }, {}, 503],
      ['with a key of the agent\'s own', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { jobId: 'mine' } } }, { jobReference: { jobId: 'mine' }, ...QUERY, statistics: { creationTime: '9999999999999' } }, 200],
      ['that no key names', { method: 'DELETE', path: OBJECT }, {}, 404],
    ] as const) {
      it(`invariant 5: ${what}, it stays unknown and is not sent`, async () => {
        const id = await orphan(sent)
        tell(json, status)
        assert.deepEqual([(await send(sent)).reason(), test.desk.state(id), upstream.seen.length], ['OUTCOME_UNKNOWN', 'unknown', 0])
      })
    }

    it('invariant 10: where the approval service is down, what was found is told all the same, and found again', async () => {
      const id = await orphan({ method: 'DELETE', path: INSTANCE })
      tell({ items: [{ clientOperationId: asked().call.arguments['requestId'] }] })
      test.desk.down = ['complete']
      assert.deepEqual([(await send({ method: 'DELETE', path: INSTANCE })).reason(), test.desk.state(id)], ['RECEIPT_GONE', 'unknown'])
    })
  })

  describe('the key by which the API knows it', () => {
    it('invariant 4: is put in before anybody is asked, is part of what is approved, and is what is sent', async () => {
      await send({ method: 'POST', path: NETWORKS, body: { name: 'n' } })
      const { call: shown, attach, state } = asked()
      assert.match(shown.arguments['requestId'] ?? '', UUID)
      assert.deepEqual([shown.bound, state?.kind], [['requestId'], 'none'])
      assert.equal(keyIn(upstream.seen[0] as Seen), shown.arguments['requestId'])
      assert.notEqual(digestOf(shown), attach.digest)
      assert.equal(digestOf(unboundCall(shown)), attach.digest)
    })

    it('stands beside the state that the call is bound to', async () => {
      upstream.state = (_request, response) => void response.writeHead(200).end('{"labelFingerprint":"f1="}')
      assert.equal((await send({ method: 'POST', path: `${INSTANCE}/setLabels`, body: { labels: { a: 'b' } } })).status, 200)
      assert.deepEqual(asked().call.bound, ['body.labelFingerprint', 'requestId'])
    })

    it('is another one for each approval of the same call, and cannot be told from the approval\'s id', async () => {
      const sent: Sent = { method: 'POST', path: JOBS, body: QUERY }
      await send({ ...sent, headers: { 'idempotency-key': 'one' } })
      await send({ ...sent, headers: { 'idempotency-key': 'two' } })
      const [first, second] = upstream.seen.map((seen) => bodyOf(seen).jobReference.jobId)
      assert.notEqual(first, second)
      assert.deepEqual(asked().call.bound, ['body.jobReference'])
      const other = await startTestProxy({ upstream: upstream.origin, rules: ASK, settings: { holdMs: 10 }, beside: test })
      test.desk.verdict = undefined
      await call(other.origin, JOBS, { method: 'POST', headers: { ...other.bearer({ jti: 'x' }), 'content-type': 'application/json' }, body: JSON.stringify(QUERY) })
      await other.stop()
      assert.ok(!JSON.stringify(asked().call).includes(asked().id))
    })

    it('invariant 4: an approval whose key cannot be made again is not used', async () => {
      test.desk.verdict = undefined
      const sent: Sent = { method: 'DELETE', path: INSTANCE }
      assert.equal((await send(sent)).reason(), 'APPROVAL_PENDING')
      test.desk.decide(asked().id, 'approved')
      const other = await startTestProxy({ upstream: upstream.origin, rules: ASK, settings: { holdMs: 300 }, documents: test.documents, ports: { approval: test.desk.api, events: test.desk.events } })
      const late = await call(other.origin, INSTANCE, { method: 'DELETE', headers: other.bearer() })
      await other.stop()
      assert.deepEqual([late.reason(), upstream.seen.length], ['STATE_CHANGED', 0])
      assert.equal(test.desk.state(asked().id), 'cancelled')
    })

    for (const [what, sent, read] of [
      ['requestId', { method: 'DELETE', path: `${INSTANCE}?requestId=6f1b3c2e-0000-4000-8000-000000000001` }, keyIn],
      ['jobId', { method: 'POST', path: JOBS, body: { ...QUERY, jobReference: { projectId: 'shop', jobId: 'mine' } } }, (seen: Seen) => bodyOf(seen).jobReference.jobId],
    ] as const) {
      it(`a ${what} of the agent's own stays, and is part of what is approved`, async () => {
        await send(sent)
        assert.equal(asked().call.bound, undefined)
        assert.equal(digestOf(asked().call), asked().attach.digest)
        assert.ok(['6f1b3c2e-0000-4000-8000-000000000001', 'mine'].includes(read(upstream.seen[0] as Seen)))
      })
    }

    it('a requestId of the agent\'s own proves nothing: it may name an earlier call', async () => {
      runsAndBreaksOff(operation())
      const answer = await send({ method: 'DELETE', path: `${INSTANCE}?requestId=6f1b3c2e-0000-4000-8000-000000000001` })
      assert.deepEqual([answer.reason(), upstream.seen.length], ['OUTCOME_UNKNOWN', 1])
    })

    it('a call that nobody is asked for is sent without one', async () => {
      await test.stop()
      test = await startTestProxy({ upstream: upstream.origin })
      await send({ method: 'DELETE', path: INSTANCE })
      assert.equal(upstream.seen[0]?.url, INSTANCE.slice('/compute.googleapis.com'.length))
    })
  })
})
