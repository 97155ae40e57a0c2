import assert from 'node:assert/strict'
import { call } from '../testing/raw-client.ts'
import { findCanary, GOOGLE_TOKEN, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

describe('a plain read', () => {
  let upstream: TestUpstream
  let test: TestProxy
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })

  it('invariant 3: goes up with the gateway\'s credential, comes back without it, and leaves neither token anywhere', async () => {
    const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
    assert.equal(answer.status, 200)
    assert.equal(upstream.seen[0]?.headers['authorization'], `Bearer ${GOOGLE_TOKEN}`)
    assert.equal(upstream.seen[0]?.url, '/storage/v1/b/dev')
    const [outcome] = await test.outcomes(1)
    assert.equal(outcome?.result, 'answered')
    assert.equal(test.records.some(({ kind }) => kind === 'intent'), true)
    assert.equal(findCanary(test.written(), JSON.stringify(answer.rawHeaders), answer.text()), undefined)
  })
})
