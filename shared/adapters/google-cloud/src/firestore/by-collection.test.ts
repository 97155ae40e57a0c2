import { strict as assert } from 'node:assert'
import type { Collection, Doc, DocumentStore, Ref } from '@lockkeeper/domain/ports'
import { byCollection, readOnly } from './by-collection.ts'

const named = (name: string): Collection => ({ name, queries: { all: { equal: [] } } })
const [bundles, approvals, locks] = ['bundles', 'approvals', 'locks'].map(named) as [Collection, Collection, Collection]
const ref = (collection: Collection, id: string): Ref => ({ collection, id })

/** A store that answers with its own name. */
function nameStore(name: string): DocumentStore & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async read<T extends object>(refs: readonly Ref<T>[]) {
      asked.push(`read ${refs.map(({ id }) => id).join(',')}`)
      return refs.map(({ id }) => id === 'none' ? undefined : { id, version: name, data: {} } as Doc<T>)
    },
    async transact<R>() {
      asked.push('transact')
      return name as R
    },
    async query() {
      asked.push('query')
      return { docs: [] }
    },
    watch() {
      asked.push('watch')
      return { ready: Promise.resolve(), age: () => 0, close: () => undefined }
    },
  }
}

describe('documents of several databases', () => {
  const open = () => {
    const policy = nameStore('policy')
    const approval = nameStore('approval')
    return { policy, approval, store: byCollection([{ collections: [bundles], store: policy }, { collections: [approvals, locks], store: approval }]) }
  }

  it('each ref is read where its collection lies, and answered in its place', async () => {
    const { policy, approval, store } = open()
    const docs = await store.read([ref(approvals, 'a'), ref(bundles, 'b'), ref(locks, 'none'), ref(bundles, 'c')])
    assert.deepEqual(docs.map(doc => doc && `${doc.version} ${doc.id}`), ['approval a', 'policy b', undefined, 'policy c'])
    assert.deepEqual([policy.asked, approval.asked], [['read b,c'], ['read a,none']])
    assert.deepEqual(await store.read([]), [])
  })

  it('queries and watches go where their collection lies', async () => {
    const { policy, approval, store } = open()
    await store.query(locks, { name: 'all', equal: {}, limit: 1 })
    store.watch(bundles, { name: 'all', equal: {} }, () => undefined)
    assert.deepEqual([policy.asked, approval.asked], [['watch'], ['query']])
  })

  it('a transaction belongs to one database', async () => {
    const { store } = open()
    const decide = () => ({ writes: [], facts: [], result: null })
    assert.equal(await store.transact([ref(approvals, 'a'), ref(locks, 'b')], decide), 'approval')
    await assert.rejects(store.transact([ref(approvals, 'a'), ref(bundles, 'b')], decide), TypeError)
    await assert.rejects(store.transact([], decide), TypeError)
  })

  it('a collection without a database, or with two, is our own mistake', async () => {
    const { policy, approval, store } = open()
    await assert.rejects(store.read([ref(named('other'), 'a')]), TypeError)
    await assert.rejects(store.query(named('toString'), { name: 'all', equal: {}, limit: 1 }), TypeError)
    assert.throws(() => byCollection([{ collections: [locks], store: policy }, { collections: [locks], store: approval }]), TypeError)
  })

  it('a store that is only read refuses transactions before anything is sent', async () => {
    const { approval } = open()
    const reader = readOnly(approval)
    await assert.rejects(reader.transact([ref(locks, 'a')], () => ({ writes: [], facts: [], result: null })), TypeError)
    assert.equal((await reader.read([ref(locks, 'a')]))[0]?.id, 'a')
    assert.deepEqual(approval.asked, ['read a'])
  })
})
