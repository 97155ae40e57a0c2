import assert from 'node:assert/strict'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { openNotifier } from '../test/harness.ts'

describe('subscriptions of the notifier', () => {
  it('are those that the topology has for it, no more and no fewer', async () => {
    const world = await openNotifier({ channels: [{ kind: 'webhook', name: 'hook', url: 'http://127.0.0.1:9/', secret: 'webhook-secret' }] })
    const named = (topic: string, name: string): string => `${name} of ${topic}`
    const declared = TOPOLOGY.subscriptions.filter(({ service }) => service === 'notifier').map(({ topic, name }) => named(topic, name))
    assert.deepEqual(world.service.subscriptions.map(({ options: { topic, name } }) => named(topic, name)).sort(), declared.sort())
    await world.close()
  })
})
