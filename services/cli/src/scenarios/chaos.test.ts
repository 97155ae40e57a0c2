import assert from 'node:assert/strict'
import { openEmbeddedChaos } from '../testing/chaos/chaos-embedded.ts'
import { runChaos } from '../testing/chaos/chaos-run.ts'
import { startChaosUpstream } from '../testing/chaos/chaos-upstream.ts'
import { seeded } from '../testing/chaos/planned-calls.ts'

describe('scenario: chaos', function () {
  this.timeout(120_000)

  it('invariants 5 and 8: over 600 calls and four kills upstream and audit log tell the same, and no approval is dialled twice', async () => {
    const random = seeded(600)
    const upstream = await startChaosUpstream(random)
    const edition = await openEmbeddedChaos(upstream.origin)
    try {
      const { violations, facts } = await runChaos(edition, upstream, { calls: 600, kills: 4, agents: 24, random })
      assert.deepEqual(violations, [])
      assert.equal(facts['kills'], 4)
      assert.ok((facts['upstreamChanges'] ?? 0) > 100 && (facts['upstreamReads'] ?? 0) > 200)
    } finally {
      await edition.close()
      await upstream.close()
    }
  })
})
