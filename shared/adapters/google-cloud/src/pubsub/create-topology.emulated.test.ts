import { strict as assert } from 'node:assert'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { anEvent, collector } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { openClient, subscriberApi } from './client.ts'
import { createTopology, openPubSub } from './index.ts'

const lock = { id: 'lock_1', state: 'set', scope: { kind: 'everything' }, by: 'ana', reason: 'test' }

describeEmulated('pubsub', 'Pub/Sub: the topology', (emulators) => {
  it('is made as it is written, twice without harm, and the house\'s own events pass through it', async () => {
    const { projectId, host: emulator } = emulators()
    await createTopology({ projectId, emulator })
    await createTopology({ projectId, emulator, pushEndpoint: () => 'http://127.0.0.1:9/' })
    const client = openClient({ projectId, emulator })
    const api = subscriberApi(client)
    const [made] = await api.listSubscriptions({ project: `projects/${projectId}` })
    const short = (name: string | null | undefined): string => (name ?? '').split('/').at(-1) ?? ''
    for (const { id, topic, deadLetter, ackDeadlineSeconds, maxDeliveries } of TOPOLOGY.subscriptions) {
      const one = made.find(({ name }) => short(name) === `lockkeeper-${id}`)
      assert.deepEqual(
        [short(one?.topic), one?.ackDeadlineSeconds, short(one?.deadLetterPolicy?.deadLetterTopic), one?.deadLetterPolicy?.maxDeliveryAttempts],
        [`lockkeeper-${topic}`, ackDeadlineSeconds, `lockkeeper-${deadLetter.topic}`, maxDeliveries],
      )
      assert.equal(short(made.find(({ name }) => short(name) === `lockkeeper-${deadLetter.subscription}`)?.topic), `lockkeeper-${deadLetter.topic}`)
    }
    await Promise.all([api.close(), client.close()])
  })

  it('pulled where it is pulled: a record batch arrives by the names that the services use', async () => {
    const { projectId, host: emulator } = emulators()
    await createTopology({ projectId, emulator })
    const bus = openPubSub({ projectId, emulator, log: { warn: () => undefined, error: () => undefined } })
    const got = collector<string>()
    bus.subscribe({ topic: 'records', name: 'audit' }, async ({ event }) => got.add(event.id))
    const batch = anEvent({ header: '', lines: [], bodies: [] }, 'record.batch')
    await bus.publish('locks', [anEvent(lock)])
    await bus.publish('records', [batch])
    assert.deepEqual(await got.count(1, 8000), [batch.id])
    await bus.close()
  })
})
