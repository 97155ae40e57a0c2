import { strict as assert } from 'node:assert'
import { PortUnavailable, type WatchChange } from '@lockkeeper/domain/ports'
import { collector } from '../collector.ts'
import { commit, numberOf, put, ref, seed, thing, type DocumentSuite } from './document-suite.ts'
import { THINGS, type Thing } from './subjects.ts'

export function watches({ store, patience }: DocumentSuite): void {
  const byKind = { name: 'byKind', equal: { kind: 'k' } }
  type Seen = readonly WatchChange<Thing>[]
  const flat = (calls: readonly Seen[]): string[] => calls.flat().map(({ id, doc }) => `${id}=${doc === undefined ? 'gone' : doc.data.n}`)
  const write = (id: string, data: Thing | undefined): Promise<unknown> => store().transact([ref(id)], () => commit(null, data === undefined ? { kind: 'delete', ref: ref(id) } : put(id, data)))

  it('the whole set comes first, then each change, and what goes leaves a tombstone', async () => {
    await seed(store(), { a: thing(1), b: thing(2), foreign: thing(3, 'other') })
    const got = collector<Seen>()
    const watch = store().watch(THINGS, byKind, got.add)
    assert.equal(watch.age(), Infinity)
    await watch.ready
    assert.deepEqual(flat(got.items).sort(), ['a=1', 'b=2'])
    await write('c', thing(3))
    await write('a', thing(11))
    await write('foreign', thing(4, 'other'))
    await write('b', undefined)
    await write('c', thing(3, 'other'))
    await write('d', thing(5))
    await got.until(calls => flat(calls).includes('d=5'), patience)
    assert.deepEqual(flat(got.items).slice(2), ['c=3', 'a=11', 'b=gone', 'c=gone', 'd=5'])
    watch.close()
  })

  it('an empty set is delivered as one empty call', async () => {
    const got = collector<Seen>()
    const watch = store().watch(THINGS, byKind, got.add)
    await watch.ready
    assert.deepEqual(got.items, [[]])
    watch.close()
  })

  it('bounds hold for changes as they do for the first set', async () => {
    const got = collector<Seen>()
    const watch = store().watch(THINGS, { ...byKind, from: 2, to: 3 }, got.add)
    await watch.ready
    for (const n of [1, 2, 3, 4, 3]) await write('a', thing(n))
    await got.until(calls => flat(calls).length >= 4, patience)
    assert.deepEqual(flat(got.items), ['a=2', 'a=3', 'a=gone', 'a=3'])
    watch.close()
  })

  it('changes come in commit order and none is lost while the first set is read', async () => {
    const got = collector<Seen>()
    let watch: { close(): void } | undefined
    const writes: Promise<unknown>[] = []
    for (let n = 1; n <= 60; n++) {
      writes.push(store().transact([ref('a')], ([doc]) => commit(null, put('a', thing(numberOf(doc) + 1)))))
      if (n === 20) watch = store().watch(THINGS, byKind, got.add)
      if (n % 10 === 0) await writes.at(-1)
    }
    await Promise.all(writes)
    await got.until(calls => flat(calls).includes('a=60'), patience)
    const numbers = got.items.flat().map(change => change.doc?.data.n ?? 0)
    assert.deepEqual(numbers, [...numbers].sort((one, two) => one - two))
    watch?.close()
  })

  it('a watch that lives stays young and a closed one hears nothing and has no age', async () => {
    const got = collector<Seen>()
    const watch = store().watch(THINGS, byKind, got.add)
    await watch.ready
    assert.ok(watch.age() < patience)
    watch.close()
    await write('a', thing(1))
    assert.deepEqual(got.items, [[]])
    assert.equal(watch.age(), Infinity)
  })

  it('a watch that is closed before its first set came delivers nothing, and `ready` says so', async () => {
    const got = collector<Seen>()
    const watch = store().watch(THINGS, byKind, got.add)
    watch.close()
    await assert.rejects(watch.ready, PortUnavailable)
    assert.deepEqual(got.items, [])
  })

  it('a watch of an undeclared query is a TypeError', () => {
    assert.throws(() => store().watch(THINGS, { name: 'nope', equal: {} }, () => undefined), TypeError)
  })
}
