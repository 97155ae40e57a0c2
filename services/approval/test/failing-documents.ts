/** A DocumentStore that ends like a killed process: from the n-th use on nothing works, with or without that use having taken effect. */
import { PortUnavailable, type DocumentStore } from '@lockkeeper/domain/ports'

export interface FailingDocuments extends DocumentStore {
  /** True once it has failed. */
  readonly failed: () => boolean
}

/** `effect`: the n-th transaction is committed although its caller never hears of it. */
export function failingAt(inner: DocumentStore, n: number, effect: boolean): FailingDocuments {
  let used = 0
  const dies = (): boolean => {
    used += 1
    return used >= n
  }
  const dead = (): never => { throw new PortUnavailable('the process was killed') }
  return {
    failed: () => used >= n,
    read: async (refs) => dies() ? dead() : inner.read(refs),
    query: async (collection, query) => dies() ? dead() : inner.query(collection, query),
    transact: async (refs, decide) => {
      if (!dies()) return inner.transact(refs, decide)
      if (effect && used === n) await inner.transact(refs, decide)
      return dead()
    },
    watch: (collection, query, listener) => inner.watch(collection, query, listener),
  }
}
