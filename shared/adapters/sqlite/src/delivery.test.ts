import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Delivery } from '@lockkeeper/domain/ports'
import { anEvent, collector, manualClock, tempDir, THINGS } from '@lockkeeper/testkit'
import fc from 'fast-check'
import { backoffMs } from './consumer.ts'
import { openSqlite, type SqliteOptions, type SqliteStore } from './index.ts'

const topic = 'locks'
const open = (file: string, more: Partial<SqliteOptions> = {}): Promise<SqliteStore> => openSqlite({ file, collections: [THINGS], retry: { baseMs: 5, maxMs: 20 }, ...more })
const numberOf = ({ event }: Delivery): number => (event.data as { n: number }).n

describe('SQLite: the queue', () => {
  it('what was published before the first subscription of a name is not delivered to it', async () => {
    const store = await open(join(tempDir(), 'store.sqlite'))
    await store.events.publish(topic, [anEvent({ n: 1 })])
    const got = collector<Delivery>()
    store.events.subscribe({ topic, name: 'late' }, async given => got.add(given))
    await store.events.publish(topic, [anEvent({ n: 2 })])
    await got.count(1)
    assert.deepEqual(got.items.map(numberOf), [2])
    await store.close()
  })

  it('an event is gone from the file once every subscription has acknowledged it', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const store = await open(file)
    const got = collector<Delivery>()
    for (const name of ['a', 'b']) store.events.subscribe({ topic, name }, async given => got.add(given))
    await store.events.publish(topic, Array.from({ length: 50 }, (_, n) => anEvent({ n })))
    await got.count(100)
    await store.close()
    const db = new DatabaseSync(file)
    assert.equal(db.prepare('SELECT count(*) AS rows FROM delivery').get()?.['rows'], 0)
    db.close()
  })

  it('attempts count on over a restart, so that an event that kills its consumer ends as a dead letter', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const attempts: number[] = []
    for (let boot = 0; boot < 6; boot++) {
      const store = await open(file)
      const got = collector<Delivery>()
      // Never acknowledges, and the store is closed while it runs: as good as a crash.
      store.events.subscribe({ topic, name: 'a', maxDeliveries: 5, ackDeadlineMs: 50 }, given => {
        got.add(given)
        attempts.push(given.attempt)
        return new Promise(() => undefined)
      })
      if (boot === 0) await store.events.publish(topic, [anEvent({ n: 1 })])
      if (boot < 5) await got.count(1)
      else while ((await store.events.deadLetters(1)).length === 0) await new Promise(resolve => setImmediate(resolve))
      await store.close()
    }
    assert.deepEqual([...new Set(attempts)], [1, 2, 3, 4, 5])
  })

  it('what waited for a retry or for the end of a lease is due at once after a restart', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const store = await open(file, { retry: { baseMs: 60_000, maxMs: 60_000 } })
    const before = collector<Delivery>()
    store.events.subscribe({ topic, name: 'a' }, async given => {
      before.add(given)
      throw new Error('much later')
    })
    await store.events.publish(topic, [anEvent({ n: 1 })])
    await before.count(1)
    await store.close()
    const again = await open(file)
    const got = collector<Delivery>()
    again.events.subscribe({ topic, name: 'a' }, async given => got.add(given))
    await got.count(1)
    assert.equal(got.items[0]?.attempt, 2)
    await again.close()
  })

  it('a wall clock that goes back holds no delivery up', async () => {
    const clock = manualClock()
    const store = await open(join(tempDir(), 'store.sqlite'), { clock: { now: clock.now, monotonic: () => performance.now() } })
    const got = collector<Delivery>()
    store.events.subscribe({ topic, name: 'a' }, async given => {
      got.add(given)
      if (given.attempt === 1) throw new Error('again')
    })
    clock.setWall(0)
    await store.events.publish(topic, [anEvent({ n: 1 })])
    await got.until(items => items.some(given => given.attempt === 2))
    await store.close()
  })

  it('two subscriptions of one name share its events, and one takes over when the other closes', async () => {
    const store = await open(join(tempDir(), 'store.sqlite'))
    const got = collector<Delivery>()
    const options = { topic, name: 'a', concurrency: 4 }
    const one = store.events.subscribe(options, async given => got.add(given))
    store.events.subscribe(options, async given => got.add(given))
    await store.events.publish(topic, Array.from({ length: 40 }, (_, n) => anEvent({ n })))
    await got.count(40)
    assert.equal(new Set(got.items.map(numberOf)).size, 40)
    const publishing = store.events.publish(topic, Array.from({ length: 8 }, (_, n) => anEvent({ n: 100 + n })))
    await one.close()
    await publishing
    await got.until(items => items.filter(given => numberOf(given) >= 100).length === 8)
    await store.close()
  })

  it('an event over 8 MiB is a TypeError', async () => {
    const store = await open(join(tempDir(), 'store.sqlite'))
    await assert.rejects(store.events.publish(topic, [anEvent({ text: 'x'.repeat(8 * 1024 * 1024) })]), TypeError)
    await store.close()
  })

  it('backoff doubles up to its limit and never leaves the upper half of it', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1000, max: 100_000 }), fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (baseMs, maxMs, attempt, random) => {
      const full = Math.min(maxMs, baseMs * 2 ** Math.min(30, attempt - 1))
      const wait = backoffMs({ baseMs, maxMs, random: () => random }, attempt)
      assert.ok(Number.isInteger(wait) && wait >= full / 2 && wait <= Math.ceil(full))
    }))
  })
})

describe('SQLite: time to live', () => {
  it('what is past its time is swept in steps, with tombstones; what has no time or a later one stays', async () => {
    const clock = manualClock()
    const store = await open(join(tempDir(), 'store.sqlite'), { clock })
    const gone = collector<string>()
    const watch = store.documents.watch(THINGS, { name: 'all', equal: {} }, changes => changes.forEach(({ id, doc }) => { if (doc === undefined) gone.add(id) }))
    await watch.ready
    const create = (id: string, until?: number): Promise<unknown> => store.documents.transact([], () => ({ writes: [{ kind: 'create', ref: { collection: THINGS, id }, data: { kind: 'k', n: 1, ...(until === undefined ? {} : { until }) } }], facts: [], result: null }))
    await Promise.all(Array.from({ length: 450 }, (_, index) => create(`short${index}`, clock.now() + 1000)))
    await create('long', clock.now() + 5000)
    await create('ever')
    assert.equal(await store.sweep(), 0)
    clock.advance(1000)
    assert.equal(await store.sweep(), 450)
    assert.equal(gone.items.length, 450)
    const rest = await store.documents.query(THINGS, { name: 'all', equal: {}, limit: 10 })
    assert.deepEqual(rest.docs.map(doc => doc.id), ['ever', 'long'])
    await store.close()
  })

  it('it is swept by itself', async () => {
    const clock = manualClock()
    const store = await open(join(tempDir(), 'store.sqlite'), { clock, sweepMs: 5 })
    const gone = collector<string>()
    await store.documents.watch(THINGS, { name: 'all', equal: {} }, changes => changes.forEach(({ id, doc }) => { if (doc === undefined) gone.add(id) })).ready
    await store.documents.transact([], () => ({ writes: [{ kind: 'create', ref: { collection: THINGS, id: 'a' }, data: { kind: 'k', n: 1, until: clock.now() } }], facts: [], result: null }))
    await gone.count(1)
    await store.close()
  })
})
