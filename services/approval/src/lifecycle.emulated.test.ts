import { join } from 'node:path'
import { createOutboxRelay, openFirestore } from '@lockkeeper/adapter-google-cloud/firestore'
import { openSqlite } from '@lockkeeper/adapter-sqlite'
import { describeEmulated, freshProjectId } from '@lockkeeper/testkit/emulators'
import { approvalLifecycle } from '../test/lifecycle-suite.ts'
import { collections } from './service.ts'

describeEmulated('firestore', 'Firestore', function (emulators) {
  this.timeout(60_000)
  const projectId = freshProjectId()
  // Facts go from the outbox to a bus; which one carries them does not matter here.
  approvalLifecycle('Firestore', async ({ dir, clock }) => {
    const bus = await openSqlite({ file: join(dir, 'bus.sqlite'), collections: [], clock })
    const store = await openFirestore({ projectId, databaseId: 'approval', emulator: emulators().host, collections, clock, onProblem: (problem) => { throw new Error(problem) } })
    const relay = createOutboxRelay({ outbox: store.outbox, bus: bus.events, onProblem: (problem) => { throw new Error(problem) } })
    return {
      documents: store.documents, events: bus.events,
      async close() {
        await relay.close()
        await store.close()
        await bus.close()
      },
    }
  })
})
