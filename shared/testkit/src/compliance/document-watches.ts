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
    await write('foreign', thing(4, 'other'))
    const steps: readonly (readonly [string, Thing | undefined, string])[] = [
      ['c', thing(3), 'c=3'], ['a', thing(11), 'a=11'], ['b', undefined, 'b=gone'], ['c', thing(3, 'other'), 'c=gone'], ['d', thing(5), 'd=5'],
    ]
    // Each is waited for: what is overwritten before it was told may be left out.
    for (const [id, data, told] of steps) {
      await write(id, data)
      await got.until(calls => flat(calls).at(-1) === told, patience)
    }
    assert.deepEqual(flat(got.items).slice(2), steps.map(([, , told]) => told))
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
    const told: string[] = []
    for (const [n, tells] of [[1], [2, 'a=2'], [3, 'a=3'], [4, 'a=gone'], [3, 'a=3']] as const) {
      await write('a', thing(n))
      if (tells !== undefined) told.push(tells)
      await got.until(calls => flat(calls).length >= told.length, patience)
    }
    assert.deepEqual(flat(got.items), told)
    watch.close()
  })

  it('no older state comes after a newer one, and the last one is not lost while the first set is read', async () => {
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

  it('the writes of one commit come together', async () => {
    const states: string[] = []
    const known = new Map<string, number>()
    const seen = collector<string>()
    const watch = store().watch(THINGS, byKind, changes => {
      for (const { id, doc } of changes) known.set(id, doc?.data.n ?? 0)
      const state = `${known.get('a')} ${known.get('b')}`
      states.push(state)
      seen.add(state)
    })
    await watch.ready
    for (let n = 1; n <= 20; n++) await store().transact([ref('a'), ref('b')], () => commit(null, put('a', thing(n)), put('b', thing(n))))
    await seen.until(all => all.includes('20 20'), patience)
    assert.ok(states.slice(1).every(state => state.split(' ')[0] === state.split(' ')[1]), states.join(', '))
    watch.close()
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
