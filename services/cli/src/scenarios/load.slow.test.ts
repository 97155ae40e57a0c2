import assert from 'node:assert/strict'
import { openEmbeddedSubject } from '../testing/load/load-subjects.ts'
import { measureLoad } from '../testing/load/measure-load.ts'

/** Times are far over what is promised, because tests share their machine; `npm run load` measures. */
describe('scenario: load', function () {
  this.timeout(90_000)

  it('500 calls are held at once, an approval releases its call at once, and SIGTERM answers all with 428', async () => {
    const subject = await openEmbeddedSubject()
    try {
      const numbers = await measureLoad(subject, { calls: 500, releases: 40 })
      assert.deepEqual(numbers.ends, { '428 APPROVAL_PENDING': 500 })
      assert.equal(numbers.exitCode, 0)
      // Every service is in this one process; the Google Cloud edition's proxy has a bound of its own.
      assert.ok((numbers.rssMiB ?? 0) < 600, JSON.stringify(numbers))
      assert.ok(numbers.endedMs < 6_000 && numbers.releaseP50Ms < 1_500, JSON.stringify(numbers))
      assert.ok(subject.startMs < 15_000)
    } finally {
      await subject.close()
    }
  })
})
