import type { DocumentStore } from '@lockkeeper/domain/ports'
import { queries } from './document-queries.ts'
import type { DocumentSuite } from './document-suite.ts'
import { facts, transactions } from './document-transactions.ts'
import { watches } from './document-watches.ts'
import { limits, readsAndWrites } from './document-writes.ts'
import type { OpenedDocuments, SuiteSettings } from './subjects.ts'

/** Every rule of the DocumentStore port. `open` gives a fresh store to which THINGS is declared. */
export function documentStoreCompliance(name: string, open: () => Promise<OpenedDocuments>, settings: SuiteSettings = {}): void {
  const patience = settings.patienceMs ?? 5000
  describe(`${name} keeps the contract of a DocumentStore`, () => {
    let opened: OpenedDocuments
    let store: DocumentStore
    beforeEach(async () => {
      opened = await open()
      store = opened.documents
    })
    afterEach(async () => { await opened.close() })
    const at: DocumentSuite = {
      store: () => store,
      opened: () => opened,
      reopen: async again => {
        opened = await again()
        store = opened.documents
      },
      patience,
    }
    describe('reads and writes', () => readsAndWrites(at))
    describe('transactions', () => transactions(at))
    describe('facts', () => facts(at))
    describe('limits and mistakes', () => limits(at))
    describe('queries', () => queries(at))
    describe('watches', () => watches(at))
  })
}
