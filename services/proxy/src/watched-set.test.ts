import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { locks, type LockDocument } from '@lockkeeper/domain/collections'
import { viewLocks } from './locks-view.ts'
import { createMemoryDocuments, type MemoryDocuments } from './testing/memory-documents.ts'
import { watchSet } from './watched-set.ts'

const lock = (id: string, scope: LockDocument['scope'] = { kind: 'everything' }): LockDocument => ({ kind: 'lock', live: true, revision: 1, id, scope, reason: 'test', by: 'ana', at: 0 })

describe('a watched set', () => {
  let documents: MemoryDocuments
  beforeEach(() => { documents = createMemoryDocuments() })
  afterEach(() => documents.stop())

  const open = (clock = manualClock()) => {
    const seen: [string, LockDocument | undefined][] = []
    return { clock, seen, set: watchSet<LockDocument>({ documents, collection: locks, clock, onChange: (id, value) => void seen.push([id, value]) }) }
  }

  it('is as old as its writer\'s last beat, not as its last change', () => {
    const { clock, set } = open()
    clock.advance(4000)
    documents.put(locks.name, 'l1', lock('l1'))
    assert.equal(set.age(), 4000)
  })

  it('invariant 11: a strong read of a silent writer\'s set proves nothing', async () => {
    documents.beating = false
    const { set } = open()
    assert.equal(await set.refresh(), false)
  })

  it('a strong read within which the writer beats makes it fresh', async () => {
    const { clock, set } = open()
    clock.advance(6000)
    documents.put(locks.name, 'heartbeat', { kind: 'heartbeat', id: 'heartbeat', live: true, at: 1, beat: 999 })
    documents.beforeAnswer = async () => documents.put(locks.name, 'heartbeat', { kind: 'heartbeat', id: 'heartbeat', live: true, at: 1, beat: 1000 })
    assert.equal(await set.refresh(), true)
    assert.equal(set.age(), 0)
  })

  it('what left the set while the watch was deaf is dropped by the read', async () => {
    const { seen, set } = open()
    documents.put(locks.name, 'l1', lock('l1'))
    const query = documents.query.bind(documents)
    documents.query = async (collection, q) => ({ docs: (await query(collection, q)).docs.filter(({ id }) => id !== 'l1') })
    await set.refresh()
    assert.deepEqual(seen.at(-1), ['l1', undefined])
  })

  it('invariant 11: a lock that is set while a strong read is on its way stays in force', async () => {
    const clock = manualClock()
    const view = viewLocks(documents, clock)
    documents.beforeAnswer = async () => documents.put(locks.name, 'l1', lock('l1'))
    await view.refresh()
    assert.equal(view.find('a', 'r', 't', clock.now())?.id, 'l1')
  })

  it('invariant 11: a change that is newer than the read is not undone by it', async () => {
    const { set } = open()
    documents.put(locks.name, 'l1', lock('l1', { kind: 'agent', agent: 'a' }))
    documents.beforeAnswer = async () => documents.put(locks.name, 'l1', lock('l1'))
    await set.refresh()
    assert.deepEqual([...set.values()].map(({ scope }) => scope.kind), ['everything'])
  })

  it('a read that fails or does not end within a second is a no', async () => {
    const { set } = open()
    documents.beforeAnswer = () => Promise.reject(new Error('down'))
    assert.equal(await set.refresh(), false)
    documents.beforeAnswer = () => new Promise(() => undefined)
    assert.equal(await set.refresh(), false)
  })
})

describe('the locks in force', () => {
  const cases: readonly (readonly [LockDocument['scope'], boolean])[] = [
    [{ kind: 'everything' }, true], [{ kind: 'agent', agent: 'a' }, true], [{ kind: 'run', run: 'r' }, true], [{ kind: 'target', target: 't' }, true],
    [{ kind: 'agent', agent: 'b' }, false], [{ kind: 'run', run: 'q' }, false], [{ kind: 'target', target: 'u' }, false],
  ]
  for (const [scope, stops] of cases) {
    it(`a lock on ${Object.values(scope).join(' ')} ${stops ? 'stops' : 'does not stop'} run r of agent a at target t`, () => {
      const documents = createMemoryDocuments()
      documents.stop()
      const told: string[] = []
      const view = viewLocks(documents, manualClock())
      view.onLock(({ id }) => told.push(id))
      documents.put(locks.name, 'l1', lock('l1', scope))
      assert.equal(view.find('a', 'r', 't', 1) !== undefined, stops)
      assert.deepEqual(told, ['l1'])
      documents.put(locks.name, 'l1', { ...lock('l1', scope), live: false })
      assert.equal(view.find('a', 'r', 't', 1), undefined)
      assert.deepEqual(told, ['l1'])
    })
  }

  it('a lock ends at its time', () => {
    const documents = createMemoryDocuments()
    documents.stop()
    const view = viewLocks(documents, manualClock())
    documents.put(locks.name, 'l1', { ...lock('l1'), until: 100 })
    assert.equal(view.find('a', 'r', 't', 99)?.id, 'l1')
    assert.equal(view.find('a', 'r', 't', 100), undefined)
  })
})
