import assert from 'node:assert/strict'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { openCloudChaos } from '../testing/chaos/chaos-cloud.ts'
import { runChaos } from '../testing/chaos/chaos-run.ts'
import { startChaosUpstream } from '../testing/chaos/chaos-upstream.ts'
import { seeded } from '../testing/chaos/planned-calls.ts'

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: chaos', function (emulators) {
  this.timeout(240_000)

  it('invariants 5 and 8: over 400 calls and three kills upstream and audit log tell the same, and no approval is dialled twice', async () => {
    const random = seeded(601)
    const upstream = await startChaosUpstream(random)
    const { host: firestore, projectId } = emulators('firestore')
    const edition = await openCloudChaos({ firestore, pubsub: emulators('pubsub').host, projectId, upstream: upstream.origin })
    try {
      const { violations, facts } = await runChaos(edition, upstream, { calls: 400, kills: 3, agents: 32, random })
      assert.deepEqual(violations, [])
      assert.equal(facts['kills'], 3)
      assert.ok((facts['upstreamChanges'] ?? 0) > 80 && (facts['upstreamReads'] ?? 0) > 150)
    } finally {
      await edition.close()
      await upstream.close()
    }
  })
})
