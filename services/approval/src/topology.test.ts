import assert from 'node:assert/strict'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { openWorld } from '../test/harness.ts'

describe('subscriptions of the approval service', () => {
  it('are those that the topology has for it, no more and no fewer', async () => {
    const world = await openWorld()
    const named = (topic: string, name: string): string => `${name} of ${topic}`
    const declared = TOPOLOGY.subscriptions.filter(({ service }) => service === 'approval').map(({ topic, name }) => named(topic, name))
    assert.deepEqual(world.service().subscriptions.map(({ options: { topic, name } }) => named(topic, name)).sort(), declared.sort())
    await world.close()
  })
})
