import assert from 'node:assert/strict'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call } from './testing/raw-client.ts'
import { startTestProxy, type TestProxy } from './testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from './testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [{ name: 'nothing-new', methods: ['*.setIamPolicy'], when: 'call.iam.known && size(call.iam.addedMembers) == 0', effect: 'allow' }]
const PROJECT = '/cloudresourcemanager.googleapis.com/v3/projects/shop:setIamPolicy'
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev/iam'
const bindings = [{ role: 'roles/owner', members: ['user:o@example.com'] }]

describe('an IAM change beside the policy in force', () => {
  let upstream: TestUpstream
  let test: TestProxy
  let inForce: object
  let failure: { readonly status: number, readonly body: string } | undefined
  before(async () => {
    upstream = await startUpstream()
    upstream.state = (_request, response) => void response.writeHead(failure?.status ?? 200, { 'content-type': 'application/json' }).end(failure?.body ?? JSON.stringify(inForce))
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES })
  })
  beforeEach(() => {
    inForce = { bindings, etag: 'BwX' }
    failure = undefined
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  const set = async (path: string, body: object) => {
    const before = upstream.seen.length + upstream.reads.length
    const answer = await call(test.origin, path, { method: path === BUCKET ? 'PUT' : 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: JSON.stringify(body) })
    return [answer.status, answer.status === 200 ? undefined : answer.reason(), upstream.seen.length + upstream.reads.length - before]
  }

  for (const [what, path, body] of [['a project\'s', PROJECT, { policy: { bindings, etag: 'BwX' } }], ['a bucket\'s', BUCKET, { bindings, etag: 'BwX' }]] as const) {
    it(`${what} that is allowed and names the etag passes`, async () => assert.deepEqual(await set(path, body), [200, undefined, 2]))
  }

  for (const [what, path, body] of [
    ['no etag', PROJECT, { policy: { bindings } }], ['an empty etag', PROJECT, { policy: { bindings, etag: '' } }], ['no etag, of a bucket', BUCKET, { bindings }], ['null for an etag', PROJECT, { policy: { bindings, etag: null } }],
  ] as const) {
    it(`invariant 2: one with ${what} is judged beside one policy and could replace another, so it is not allowed`, async () => assert.deepEqual(await set(path, body), [400, 'REQUEST_INVALID', 1]))
  }

  it('where the policy in force has no etag there is none to name', async () => {
    inForce = { bindings }
    assert.deepEqual(await set(PROJECT, { policy: { bindings } }), [200, undefined, 2])
  })

  it('what a rule does not allow is denied by the rule, etag or not', async () => {
    assert.deepEqual(await set(PROJECT, { policy: { bindings: [...bindings, { role: 'roles/viewer', members: ['user:new@example.com'] }] } }), [403, 'POLICY_DENIED', 1])
  })

  for (const [what, status, body] of [['refuses', 500, '{}'], ['does not know it', 404, '{}'], ['answers with no JSON', 200, '<html>'], ['answers with no object', 200, '[]'], ['answers with over 1 MiB', 200, JSON.stringify({ x: 'x'.repeat(1024 * 1024) })]] as const) {
    it(`invariant 10: where an upstream that is asked for the policy in force ${what}, nothing is changed`, async () => {
      failure = { status, body }
      assert.deepEqual(await set(PROJECT, { policy: { bindings, etag: 'BwX' } }), [502, 'UPSTREAM_UNREACHABLE', 1])
    })
  }
})
