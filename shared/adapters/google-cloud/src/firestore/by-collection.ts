/** Several databases as one store: a proxy reads what the policy service and the approval service write, and writes none. */
import type { Collection, DocumentStore, Ref } from '@lockkeeper/domain/ports'

export interface Route {
  readonly collections: readonly Collection[]
  readonly store: DocumentStore
}

/** Each collection goes to its database. A transaction over two databases, or over none, is a TypeError. */
export function byCollection(routes: readonly Route[]): DocumentStore {
  const stores = new Map<string, DocumentStore>()
  for (const { collections, store } of routes) {
    for (const { name } of collections) {
      if (stores.has(name)) throw new TypeError(`collection ${name} has two databases`)
      stores.set(name, store)
    }
  }
  const storeOf = ({ name }: Collection): DocumentStore => {
    const store = stores.get(name)
    if (store === undefined) throw new TypeError(`collection ${name} has no database here`)
    return store
  }
  return {
    async read(refs) {
      const parts = [...Map.groupBy(refs.map((ref, index) => ({ ref, index })), ({ ref }) => storeOf(ref.collection))]
      const answers = await Promise.all(parts.map(async ([store, own]) => (await store.read(own.map(({ ref }) => ref))).map((doc, place) => ({ doc, index: own[place]!.index }))))
      return answers.flat().sort((one, two) => one.index - two.index).map(({ doc }) => doc)
    },
    async transact(refs, decide) {
      const [store, ...others] = new Set(refs.map((ref: Ref) => storeOf(ref.collection)))
      if (store === undefined || others.length > 0) throw new TypeError('a transaction reads documents of one database, at least one')
      return store.transact(refs, decide)
    },
    query: async (collection, query) => storeOf(collection).query(collection, query),
    watch: (collection, query, listener) => storeOf(collection).watch(collection, query, listener),
  }
}

/** For whoever may only look: a transaction is a TypeError before anything is sent. */
export function readOnly(store: DocumentStore): DocumentStore {
  return {
    read: refs => store.read(refs),
    query: (collection, query) => store.query(collection, query),
    watch: (collection, query, listener) => store.watch(collection, query, listener),
    transact: () => Promise.reject(new TypeError('this store is only read here')),
  }
}
