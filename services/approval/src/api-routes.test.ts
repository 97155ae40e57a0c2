import assert from 'node:assert/strict'
import { refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable, type ApprovalApi, type Outcome } from '@lockkeeper/domain/ports'
import { createServiceServer, frame, onlyFor, unframe, type ServiceServer } from '@lockkeeper/service-kit/server'
import { answerFaults } from '@lockkeeper/service-kit/openapi'
import { after, before, describe, it } from 'mocha'
import { APPROVAL_OPERATIONS } from './api/operations.ts'
import { API_PATH, createApiRoutes } from './api-routes.ts'

const ATTACH = { issuer: 'ci', agent: 'a', run: 'r', digest: 'full:x' }
const CLAIM = { approval: 'apr_one', attach: ATTACH, decisionHash: 'h', holder: 'gw-1', claimId: 'claim-0001' }
const COMPLETED = { approval: 'apr_one', fence: 'apr_one.1', outcome: { kind: 'answered', status: 200, delivered: false, answer: { status: 200, headers: ['a', 'b'] } } }

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the approval service\'s API for proxies', () => {
  let server: ServiceServer
  let origin: string
  const asked: unknown[] = []
  const body = Buffer.from([0, 255, 10])
  let answer: () => unknown = () => undefined
  const take = async (request: unknown): Promise<never> => {
    asked.push(request)
    return answer() as never
  }
  const api: ApprovalApi = { claim: take, complete: take, receipt: take, delivered: take }
  before(async () => {
    const quiet = (): void => undefined
    const guard = onlyFor((authorization) => Promise.resolve(authorization === 'Bearer proxy' ? { email: 'proxy@x.iam.gserviceaccount.com' } : refuse('TOKEN_INVALID', 'no')))
    server = createServiceServer({ routes: [{ paths: [API_PATH], guard, router: createApiRoutes(api) }], readiness: () => [], log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, outage: 'APPROVAL_UNAVAILABLE', limits: { bodyBytes: 5 * 1024 * 1024 } })
    origin = `http://127.0.0.1:${(await server.start(0, '127.0.0.1')).port}`
  })
  after(() => server.drain(0))
  beforeEach(() => {
    asked.length = 0
    answer = () => undefined
  })
  /** The answer, which is one of those that are described. */
  const post = async (name: string, sent: object | Buffer, authorization = 'Bearer proxy'): Promise<Response> => {
    const path = `${API_PATH}/${name}`
    const response = await fetch(`${origin}${path}`, { method: 'POST', headers: { authorization }, body: Buffer.isBuffer(sent) ? new Uint8Array(sent) : JSON.stringify(sent) })
    const body = new Uint8Array(await response.clone().arrayBuffer())
    assert.deepEqual(answerFaults(APPROVAL_OPERATIONS, ['TOKEN_INVALID', 'APPROVAL_UNAVAILABLE'], { method: 'POST', path, status: response.status, type: response.headers.get('content-type') ?? '', body }), [])
    return response
  }

  it('a claim, a completion, a receipt and a delivery reach the service as they were sent', async () => {
    answer = () => ({ fence: 'apr_one.1', dialWithinMs: 5000 })
    assert.deepEqual(await (await post('claims', CLAIM)).json(), { fence: 'apr_one.1', dialWithinMs: 5000 })
    answer = () => undefined
    assert.equal((await post('completions', frame(COMPLETED, body))).status, 204)
    answer = () => ({ status: 200, headers: ['a', 'b'], body })
    const framed = unframe(Buffer.from(await (await post('receipts', { approval: 'apr_one', attach: ATTACH })).arrayBuffer()))
    assert.deepEqual([JSON.stringify(framed?.facts), framed?.bytes], ['{"status":200,"headers":["a","b"]}', body])
    answer = () => undefined
    assert.equal((await post('deliveries', { approval: 'apr_one', attach: ATTACH })).status, 204)
    const outcome: Outcome = { kind: 'answered', status: 200, delivered: false, answer: { status: 200, headers: ['a', 'b'], body } }
    assert.deepEqual(plain(asked), plain([CLAIM, { approval: 'apr_one', fence: 'apr_one.1', outcome }, { approval: 'apr_one', attach: ATTACH }, { approval: 'apr_one', attach: ATTACH }]))
  })

  it('invariant 1: nobody but a proxy gets as far as the service', async () => {
    for (const path of ['claims', 'completions', 'receipts', 'deliveries']) assert.equal((await post(path, CLAIM, 'Bearer agent')).status, 401)
    assert.deepEqual(asked, [])
  })

  it('what the service refused is a verdict, an outage is none', async () => {
    answer = () => refuse('STATE_CHANGED', 'changed')
    const refused = await (await post('claims', CLAIM)).json() as { reason: string, verdict?: true }
    assert.deepEqual([refused.reason, refused.verdict], ['STATE_CHANGED', true])
    answer = () => { throw new PortUnavailable('store') }
    const down = await post('claims', CLAIM)
    const text = await down.json() as { reason: string, verdict?: true }
    assert.deepEqual([down.status, text.reason, text.verdict], [503, 'APPROVAL_UNAVAILABLE', undefined])
  })

  const HOSTILE: Readonly<Record<string, readonly [string, object | Buffer]>> = {
    'a claim without a name': ['claims', { ...CLAIM, claimId: undefined }],
    'a claim with an unknown field': ['claims', { ...CLAIM, force: true }],
    'a claim of no approval': ['claims', { ...CLAIM, approval: '../apr_one' }],
    'an attach key with more in it': ['claims', { ...CLAIM, attach: { ...ATTACH, sponsor: 'x' } }],
    'a list in place of a claim': ['claims', [CLAIM]],
    'repeated keys': ['claims', Buffer.from(JSON.stringify(CLAIM).replace('{"approval":', '{"approval":"apr_two","approval":'))],
    'a completion that is no frame': ['completions', COMPLETED],
    'a frame that is cut off': ['completions', frame(COMPLETED).subarray(0, 40)],
    'a frame whose length lies': ['completions', Buffer.concat([Buffer.from([255, 255, 255, 255]), Buffer.from('{}')])],
    'an outcome of no kind': ['completions', frame({ ...COMPLETED, outcome: { kind: 'sent' } })],
    'a status that is none': ['completions', frame({ ...COMPLETED, outcome: { ...COMPLETED.outcome, status: 1000 } })],
    'a body that is too large': ['completions', Buffer.alloc(5 * 1024 * 1024 - 1)],
    'a receipt of nobody': ['receipts', { approval: 'apr_one' }],
  }
  for (const [title, [path, sent]] of Object.entries(HOSTILE)) {
    it(`${title} is refused before the service is asked`, async () => {
      const { status } = await post(path, sent)
      assert.ok(status === 400 || status === 413, String(status))
      assert.deepEqual(asked, [])
    })
  }
})
