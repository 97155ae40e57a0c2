import { documentStoreCompliance, THINGS, type OpenedDocuments } from '@lockkeeper/testkit'
import { describeEmulated, freshProjectId, type Emulators } from '@lockkeeper/testkit/emulators'
import { createOutboxRelay, openFirestore } from './index.ts'
import { memoryBus } from './testing/memory-bus.ts'

async function open(emulators: Emulators, projectId: string): Promise<OpenedDocuments> {
  const bus = memoryBus()
  const store = await openFirestore({ projectId, databaseId: 'compliance', emulator: emulators().host, collections: [THINGS], transactTimeoutMs: 20_000, onProblem: () => undefined })
  const relay = createOutboxRelay({ outbox: store.outbox, bus, onProblem: problem => { throw new Error(problem) } })
  const close = async (): Promise<void> => {
    await relay.close()
    await store.close()
  }
  return {
    documents: store.documents, events: bus, close,
    reopen: async () => {
      await close()
      return open(emulators, projectId)
    },
  }
}

describeEmulated('firestore', 'Firestore', function (emulators) {
  this.timeout(30_000)
  documentStoreCompliance('Firestore', () => open(emulators, freshProjectId()), { patienceMs: 10_000 })
})
