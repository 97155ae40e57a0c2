import { join } from 'node:path'
import { documentStoreCompliance, eventBusCompliance, tempDir, THINGS, type OpenedDocuments } from '@lockkeeper/testkit'
import { openSqlite } from './index.ts'

async function open(file = join(tempDir(), 'store', 'store.sqlite')): Promise<OpenedDocuments> {
  const { documents, events, close } = await openSqlite({ file, collections: [THINGS], retry: { baseMs: 5, maxMs: 20 } })
  return {
    documents, events, close,
    reopen: async () => {
      await close()
      return open(file)
    },
  }
}

documentStoreCompliance('SQLite', () => open())
eventBusCompliance('SQLite', () => open())
