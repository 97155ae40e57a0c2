/** What the parts of the DocumentStore suite share: the store under test and short words for its things. */
import type { Commit, Doc, DocumentStore, Query, Ref, Write } from '@lockkeeper/domain/ports'
import { THINGS, type OpenedDocuments, type Thing } from './subjects.ts'

export interface DocumentSuite {
  readonly store: () => DocumentStore
  readonly opened: () => OpenedDocuments
  readonly reopen: (again: NonNullable<OpenedDocuments['reopen']>) => Promise<void>
  readonly patience: number
}

export const ref = (id: string): Ref<Thing> => ({ collection: THINGS, id })
export const put = (id: string, data: Thing): Write => ({ kind: 'put', ref: ref(id), data })
export const create = (id: string, data: Thing): Write => ({ kind: 'create', ref: ref(id), data })
export const thing = (n: number, kind = 'k', more: Partial<Thing> = {}): Thing => ({ kind, n, ...more })
export const commit = <R>(result: R, ...writes: Write[]): Commit<R> => ({ writes, facts: [], result })
export const numberOf = (doc: Doc | undefined): number => (doc?.data as Thing | undefined)?.n ?? 0
export const asked = (query: Partial<Query> & { name: string }): Query => ({ equal: {}, limit: 10, ...query })

export async function seed(store: DocumentStore, things: Readonly<Record<string, Thing>>): Promise<void> {
  await store.transact([], () => commit(null, ...Object.entries(things).map(([id, data]) => create(id, data))))
}
