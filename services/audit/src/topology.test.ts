import assert from 'node:assert/strict'
import type { EventBus, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { Intake, type IntakeParts } from './intake.ts'
import { auditSettings } from './settings.ts'

describe('subscriptions of the audit service', () => {
  it('are those that the topology has for it, no more and no fewer; and Pub/Sub gives up no sooner than it asks', () => {
    const asked: SubscriptionOptions[] = []
    const events = {
      subscribe(options: SubscriptionOptions) {
        asked.push(options)
        return { close: () => Promise.resolve() }
      },
    } as unknown as EventBus
    const settings = auditSettings.parse({ mode: 'sandbox', isolation: 'none', trustedKeys: { writers: [] }, bootId: 'b', singleProcess: false })
    new Intake({ events, settings } as unknown as IntakeParts).start()
    const named = ({ topic, name }: { readonly topic: string, readonly name: string }): string => `${name} of ${topic}`
    const declared = TOPOLOGY.subscriptions.filter(({ service }) => service === 'audit')
    assert.deepEqual(asked.map(named).sort(), declared.map(named).sort())
    for (const { maxDeliveries = 10, topic, name } of asked) {
      assert.ok((declared.find((one) => one.topic === topic && one.name === name)?.maxDeliveries ?? 0) >= maxDeliveries, named({ topic, name }))
    }
  })
})
