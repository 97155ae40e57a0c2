import { COMPLIANCE_SUBSCRIPTIONS, eventBusCompliance } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { openBus, testTopology, type BusOnEmulator } from './testing/emulated-bus.ts'

describeEmulated('pubsub', 'Pub/Sub', (emulators) => {
  const opened = (on: BusOnEmulator) => ({
    events: on.bus,
    close: () => on.bus.close(),
    reopen: async () => {
      await on.bus.close()
      return opened(on.again())
    },
  })
  eventBusCompliance('Pub/Sub', async () => opened(await openBus(emulators(), testTopology(COMPLIANCE_SUBSCRIPTIONS))), { patienceMs: 8000, ackDeadlineMs: 100 })
})
