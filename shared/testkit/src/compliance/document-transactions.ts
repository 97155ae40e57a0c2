import { strict as assert } from 'node:assert'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { anEvent } from '../builders.ts'
import { collector } from '../collector.ts'
import { commit, create, numberOf, put, ref, seed, thing, type DocumentSuite } from './document-suite.ts'
import { THINGS } from './subjects.ts'

export function transactions({ store, opened, patience }: DocumentSuite): void {
  it('interleaved writers lose no increment', async () => {
    const increment = (): Promise<unknown> => store().transact([ref('n')], ([doc]) => commit(null, put('n', thing(numberOf(doc) + 1))))
    await Promise.all(Array.from({ length: 25 }, increment))
    assert.equal(numberOf((await store().read([ref('n')]))[0]), 25)
  })

  it('a document that changed after it was read makes decide run again with the fresh one', async () => {
    const seen: number[] = []
    let disturb: Promise<unknown> | undefined
    await seed(store(), { a: thing(1), other: thing(0) })
    await store().transact([ref('a'), ref('other')], ([doc]) => {
      seen.push(numberOf(doc))
      // Begun in the middle of the decision, so that it may come in before the commit.
      disturb ??= store().transact([ref('a')], ([own]) => commit(null, put('a', thing(numberOf(own) + 10))))
      return commit(null, put('other', thing(numberOf(doc))))
    })
    await disturb
    const other = numberOf((await store().read([ref('other')]))[0])
    assert.equal(other, seen.at(-1), 'what was written follows from what was read last')
    assert.ok(seen.every(n => n === 1 || n === 11))
  })

  it('a document that appeared after its absence was read is a conflict', async () => {
    const winners = await Promise.all(Array.from({ length: 12 }, (_, index) => store().transact([ref('one')], ([doc]) => doc === undefined ? commit(true, put('one', thing(index))) : commit(false))))
    assert.equal(winners.filter(won => won === true).length, 1)
  })

  it('of many creates of one id that no one read, one wins and the others are decided again', async () => {
    let decided = 0
    const results = await Promise.allSettled(Array.from({ length: 5 }, (_, index) => {
      let attempt = 0
      return store().transact([], () => {
        decided += 1
        attempt += 1
        return commit(attempt, create(attempt === 1 ? 'claim' : `claim-${index}`, thing(index)))
      })
    }))
    const values = results.map(result => result.status === 'fulfilled' ? result.value : result.reason)
    assert.deepEqual([...values].sort(), [1, 2, 2, 2, 2])
    assert.equal(decided, 9)
  })

  it('a create that is in the way every time ends as PortUnavailable after at most 10 attempts', async () => {
    await seed(store(), { taken: thing(1) })
    let attempts = 0
    await assert.rejects(store().transact([], () => {
      attempts += 1
      return commit(null, create('taken', thing(2)))
    }), PortUnavailable)
    assert.ok(attempts >= 2 && attempts <= 10, `${attempts} attempts`)
    assert.equal(numberOf((await store().read([ref('taken')]))[0]), 1)
  })

  it('two that write each other\'s documents both end', async () => {
    await seed(store(), { a: thing(0), b: thing(0) })
    const both = (first: string, second: string) => store().transact([ref(first), ref(second)], ([one, two]) => commit(null, put(first, thing(numberOf(one) + 1)), put(second, thing(numberOf(two) + 1))))
    await Promise.all(Array.from({ length: 10 }, (_, index) => index % 2 === 0 ? both('a', 'b') : both('b', 'a')))
    assert.deepEqual((await store().read([ref('a'), ref('b')])).map(numberOf), [10, 10])
  })

  it('writes of one commit are seen together or not at all', async () => {
    await seed(store(), { a: thing(0), b: thing(0) })
    let running = true
    const writer = (async () => {
      for (let n = 1; n <= 30; n++) await store().transact([ref('a'), ref('b')], () => commit(null, put('a', thing(n)), put('b', thing(n))))
      running = false
    })()
    while (running) {
      const [a, b] = await store().read([ref('a'), ref('b')])
      assert.equal(numberOf(a), numberOf(b))
    }
    await writer
  })

  it('transfers keep the sum, and reads, watch and facts tell one and the same story', async () => {
    const accounts = ['a', 'b', 'c', 'd']
    await seed(store(), Object.fromEntries(accounts.map(id => [id, thing(100)])))
    const watched = new Map<string, number>()
    const watch = store().watch(THINGS, { name: 'all', equal: {} }, changes => { for (const { id, doc } of changes) watched.set(id, numberOf(doc)) })
    const moved = collector<readonly [string, string, string, number]>()
    opened().events.subscribe({ topic: 'locks', name: 'compliance' }, async ({ event }) => moved.add([event.id, ...event.data as [string, string, number]]))
    await watch.ready
    const transfer = (from: string, to: string, amount: number): Promise<unknown> => store().transact([ref(from), ref(to)], ([one, two]) => numberOf(one) < amount
      ? refuse('POLICY_DENIED', 'not enough')
      : { writes: [put(from, thing(numberOf(one) - amount)), put(to, thing(numberOf(two) + amount))], facts: [anEvent([from, to, amount])], result: true })
    const answers = await Promise.all(Array.from({ length: 80 }, (_, n) => transfer(accounts[n % 4]!, accounts[(n + 1 + n % 3) % 4]!, 1 + n % 60)))
    const done = answers.filter(answer => answer === true).length
    await moved.until(items => new Set(items.map(([id]) => id)).size === done, patience)
    const told = new Map(accounts.map(id => [id, 100]))
    for (const [, from, to, amount] of new Map(moved.items.map(item => [item[0], item])).values()) {
      told.set(from, told.get(from)! - amount)
      told.set(to, told.get(to)! + amount)
    }
    const read = new Map((await store().read(accounts.map(ref))).map(doc => [doc!.id, numberOf(doc)]))
    assert.equal([...read.values()].reduce((sum, n) => sum + n, 0), 400)
    assert.deepEqual(told, read)
    assert.deepEqual(new Map(accounts.map(id => [id, watched.get(id)])), read)
    watch.close()
  })

  it('a decide that throws commits nothing and its error is passed on', async () => {
    const mistake = new RangeError('mine')
    await assert.rejects(store().transact([ref('a')], () => { throw mistake }), error => error === mistake)
    assert.deepEqual(await store().read([ref('a')]), [undefined])
  })

  it('a refusal commits nothing and is the answer', async () => {
    const answer = await store().transact([ref('a')], () => refuse('STATE_CHANGED', 'no'))
    assert.ok(isRefusal(answer) && answer.reason === 'STATE_CHANGED')
    assert.deepEqual(await store().read([ref('a')]), [undefined])
  })

  it('a commit without writes and facts gives its result', async () => {
    assert.equal(await store().transact([ref('a')], docs => commit(docs.length)), 1)
  })
}

export function facts({ store, opened, patience }: DocumentSuite): void {
  it('the facts of a commit reach subscribers, those of a refused or thrown one do not', async () => {
    const got = collector<unknown>()
    opened().events.subscribe({ topic: 'locks', name: 'compliance' }, async ({ event }) => { got.add((event.data as { n: number }).n) })
    await store().transact([], () => refuse('POLICY_DENIED', 'no'))
    await assert.rejects(store().transact([], () => { throw new Error('mine') }))
    await store().transact([], () => ({ writes: [], facts: [anEvent({ n: 1 }), anEvent({ n: 2 })], result: null }))
    await got.count(2, patience)
    assert.deepEqual([...new Set(got.items)].sort(), [1, 2])
  })

  it('a commit that loses a race leaves only the facts of its last attempt', async () => {
    const got = collector<string>()
    opened().events.subscribe({ topic: 'locks', name: 'compliance', concurrency: 1 }, async ({ event }) => { got.add((event.data as { is: string }).is) })
    const add = (): Promise<unknown> => store().transact([ref('n')], ([doc]) => {
      const n = numberOf(doc) + 1
      return { writes: [put('n', thing(n))], facts: [anEvent({ is: `n is ${n}` })], result: null }
    })
    await Promise.all(Array.from({ length: 8 }, add))
    await got.until(items => new Set(items).size >= 8, patience)
    assert.deepEqual([...new Set(got.items)].sort(), Array.from({ length: 8 }, (_, index) => `n is ${index + 1}`))
  })

  it('the facts of a commit that never came through reach no one and hold no one up', async () => {
    const got = collector<unknown>()
    opened().events.subscribe({ topic: 'locks', name: 'compliance', concurrency: 1 }, async ({ event }) => { got.add((event.data as { n: number }).n) })
    await seed(store(), { taken: thing(1) })
    await assert.rejects(store().transact([], () => ({ writes: [create('taken', thing(2))], facts: [anEvent({ n: 1 })], result: null })), PortUnavailable)
    await store().transact([], () => ({ writes: [], facts: [anEvent({ n: 2 })], result: null }))
    await got.count(1, patience)
    assert.deepEqual(got.items, [2])
  })

  it('a fact of a type without a topic is our own mistake, and nothing is written', async () => {
    const event = { ...anEvent({}), type: 'no.such' }
    await assert.rejects(store().transact([ref('a')], () => ({ writes: [put('a', thing(1))], facts: [event], result: null })), TypeError)
    assert.deepEqual(await store().read([ref('a')]), [undefined])
  })
}
