import assert from 'node:assert/strict'
import { openEmbeddedSubject } from '../testing/load/load-subjects.ts'
import { measureLoad } from '../testing/load/measure-load.ts'

/** Times are three times what is promised: tests share their machine. */
describe('scenario: load', function () {
  this.timeout(90_000)

  it('500 calls are held at once in under 300 MiB, an approval releases its call at once, and SIGTERM answers all with 428', async () => {
    const subject = await openEmbeddedSubject()
    try {
      const numbers = await measureLoad(subject, { calls: 500, releases: 40 })
      assert.deepEqual(numbers.ends, { '428 APPROVAL_PENDING': 500 })
      assert.equal(numbers.exitCode, 0)
      assert.ok((numbers.rssMiB ?? 0) < 300, JSON.stringify(numbers))
      assert.ok(numbers.endedMs < 6_000 && numbers.releaseP50Ms < 150, JSON.stringify(numbers))
      assert.ok(subject.startMs < 8_000)
    } finally {
      await subject.close()
    }
  })
})
