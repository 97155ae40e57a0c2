import assert from 'node:assert/strict'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { openCloudSubject } from '../testing/load/load-subjects.ts'
import { measureLoad } from '../testing/load/measure-load.ts'

/** Times are far over what is promised, because tests share their machine; `npm run load` measures. */
describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: load', function (emulators) {
  this.timeout(120_000)

  it('500 calls are held at once by one proxy in under 300 MiB, and SIGTERM answers all with 428', async () => {
    const { host: firestore, projectId } = emulators('firestore')
    const subject = await openCloudSubject({ firestore, pubsub: emulators('pubsub').host, projectId })
    try {
      const numbers = await measureLoad(subject, { calls: 500, releases: 6 })
      assert.deepEqual(numbers.ends, { '428 APPROVAL_PENDING': 500 })
      assert.equal(numbers.exitCode, 0)
      assert.ok((numbers.rssMiB ?? 0) < 300, JSON.stringify(numbers))
      assert.ok(numbers.endedMs < 6_000 && numbers.releaseP50Ms < 8_000, JSON.stringify(numbers))
    } finally {
      await subject.close()
    }
  })
})
