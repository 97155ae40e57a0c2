import assert from 'node:assert/strict'
import { recordedResources } from './recorded-resources.ts'
import { call } from './testing/raw-client.ts'
import { startTestProxy } from './testing/test-proxy.ts'
import { startUpstream } from './testing/test-upstream.ts'

const LINE = 200 * 1024

describe('resources in records', () => {
  it('are there as they are, without what looks like a credential', () => {
    assert.deepEqual(recordedResources(['//a/b', '//a/c']), ['//a/b', '//a/c'])
    assert.deepEqual(recordedResources([]), [])
    assert.doesNotMatch(recordedResources([`//a/eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(40)}.b`]).join(), /eyJ/)
  })

  for (const character of ['a', '"', '\u0001', '€']) {
    it(`invariant 8: are counted where ${JSON.stringify(character)} makes them longer than a record has room for`, () => {
      const names = Array.from({ length: 1_000 }, (_, index) => `${index}${character.repeat(200)}`)
      const kept = recordedResources(names)
      assert.ok(JSON.stringify(kept).length < LINE)
      const rest = Number(/^and (\d+) more$/.exec(kept.at(-1) ?? '')?.[1] ?? 0)
      assert.equal(kept.length - (rest > 0 ? 1 : 0) + rest, names.length)
    })
  }

  it('invariant 8: a call that names more than a record has room for is recorded twice like any other, and ends nothing', async () => {
    const upstream = await startUpstream()
    const test = await startTestProxy({ upstream: upstream.origin })
    try {
      const sourceObjects = Array.from({ length: 40 }, (_, index) => ({ name: `${index}${'"'.repeat(5_000)}` }))
      const { status } = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev/o/x/compose', { method: 'POST', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: JSON.stringify({ sourceObjects }) })
      const [outcome] = await test.outcomes(1)
      assert.deepEqual([status, outcome?.result], [200, 'answered'])
      assert.match(outcome?.resources?.at(-1) ?? '', /^and 3\d more$/)
    } finally {
      await test.stop()
      await upstream.stop()
    }
  })

  it('a fault of our own in a record ends the one call and is logged, and ends nothing else', async () => {
    const upstream = await startUpstream()
    const records = { healthy: true, queued: 0, reference: () => 'call_x', append: () => { throw new TypeError('our mistake') } }
    const test = await startTestProxy({ upstream: upstream.origin, ports: { records } as never })
    try {
      const [read, change, anonymous] = [{ headers: test.bearer() }, { method: 'DELETE', headers: test.bearer() }, {}]
      const statuses: number[] = []
      for (const options of [read, change, anonymous]) statuses.push((await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', options)).status)
      assert.deepEqual([statuses, upstream.seen.filter(({ verb }) => verb === 'DELETE').length], [[500, 500, 401], 0])
      assert.equal(test.logLines.filter((line) => line.includes('kept an outcome from being recorded')).length, 3)
    } finally {
      await test.stop()
      await upstream.stop()
    }
  })
})
