import assert from 'node:assert/strict'
import { callUpstream } from './test-client.ts'
import { startSandboxUpstream } from './upstream.ts'
import type { SandboxUpstream } from './upstream.ts'

const PUBLISH = 'POST pubsub.googleapis.com/v1/projects/sandbox-project/topics/new-topic:publish'
const CREATE = 'PUT pubsub.googleapis.com/v1/projects/sandbox-project/topics/new-topic'
const READ = 'GET pubsub.googleapis.com/v1/projects/sandbox-project/topics/new-topic'
const LIST = 'GET storage.googleapis.com/storage/v1/b/customer-exports/o'

describe('faults on demand', () => {
  let upstream: SandboxUpstream

  beforeEach(async () => { upstream = await startSandboxUpstream() })
  afterEach(() => upstream.close())

  it('a reset cuts the connection before the request takes effect', async () => {
    const fault = upstream.fail({ match: { method: 'PUT' }, kind: 'reset' })
    await assert.rejects(callUpstream(upstream, CREATE, { body: {} }), { code: 'ECONNRESET' })
    await fault.hit
    assert.equal((await callUpstream(upstream, READ)).status, 404)
    assert.equal(upstream.requests.list({ method: 'PUT' })[0]?.status, 0)
  })

  it('a reset after the effect loses the answer, not the change', async () => {
    upstream.fail({ match: { method: 'PUT' }, kind: 'reset-after' })
    await assert.rejects(callUpstream(upstream, CREATE, { body: {} }), { code: 'ECONNRESET' })
    assert.equal((await callUpstream(upstream, READ)).status, 200)
  })

  it('a reset in the body cuts the answer in half', async () => {
    upstream.fail({ match: { path: /customer-exports/ }, kind: 'reset-body' })
    await assert.rejects(callUpstream(upstream, LIST), { code: 'ECONNRESET' })
  })

  for (const kind of ['slow-header', 'slow-body'] as const) {
    it(`${kind} holds the answer until it is released, then gives it whole`, async () => {
      const fault = upstream.fail({ match: { path: /customer-exports/ }, kind })
      const pending = callUpstream(upstream, LIST)
      await fault.hit
      let answered = false
      void pending.then(() => { answered = true })
      assert.equal((await callUpstream(upstream, LIST)).status, 200)
      assert.equal(answered, false)
      fault.release()
      assert.equal((await pending).json().items.length, 5)
    })
  }

  it('a status fault answers as Google would, as often as asked, and changes nothing', async () => {
    const fault = upstream.fail({ match: (request) => request.path.endsWith(':publish'), kind: 'status', status: 429, times: 2, headers: { 'retry-after': '7' } })
    await callUpstream(upstream, CREATE, { body: {} })
    for (const expected of [429, 429, 200]) {
      const reply = await callUpstream(upstream, PUBLISH, { body: { messages: [{ data: 'aGk=' }] } })
      assert.equal(reply.status, expected)
      if (expected === 429) assert.deepEqual([reply.headers['retry-after'], reply.json().error.status], ['7', 'RESOURCE_EXHAUSTED'])
    }
    assert.equal(fault.hits, 2)
  })

  it('a cleared fault hits nothing', async () => {
    const fault = upstream.fail({ match: {}, kind: 'status', times: 5 })
    fault.clear()
    assert.equal((await callUpstream(upstream, LIST)).status, 200)
    assert.equal(fault.hits, 0)
  })
})
