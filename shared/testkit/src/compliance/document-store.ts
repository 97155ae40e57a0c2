import { strict as assert } from 'node:assert'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Collection, type Commit, type Doc, type DocumentStore, type Query, type Ref, type WatchChange, type Write } from '@lockkeeper/domain/ports'
import { anEvent } from '../builders.ts'
import { collector } from '../collector.ts'
import { THINGS, type OpenedDocuments, type SuiteSettings, type Thing } from './subjects.ts'

const ref = (id: string): Ref<Thing> => ({ collection: THINGS, id })
const put = (id: string, data: Thing): Write => ({ kind: 'put', ref: ref(id), data })
const create = (id: string, data: Thing): Write => ({ kind: 'create', ref: ref(id), data })
const thing = (n: number, kind = 'k', more: Partial<Thing> = {}): Thing => ({ kind, n, ...more })
const commit = <R>(result: R, ...writes: Write[]): Commit<R> => ({ writes, facts: [], result })
const numberOf = (doc: Doc | undefined): number => (doc?.data as Thing | undefined)?.n ?? 0

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
    const at = {
      store: () => store,
      opened: () => opened,
      reopen: async (again: NonNullable<OpenedDocuments['reopen']>) => {
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

interface Suite {
  readonly store: () => DocumentStore
  readonly opened: () => OpenedDocuments
  readonly reopen: (again: NonNullable<OpenedDocuments['reopen']>) => Promise<void>
  readonly patience: number
}

async function seed(store: DocumentStore, things: Readonly<Record<string, Thing>>): Promise<void> {
  await store.transact([], () => commit(null, ...Object.entries(things).map(([id, data]) => create(id, data))))
}

const asked = (query: Partial<Query> & { name: string }): Query => ({ equal: {}, limit: 10, ...query })

function readsAndWrites({ store, opened, reopen }: Suite): void {
  it('absent documents read as undefined, each in its place', async () => {
    await seed(store(), { b: thing(2) })
    const docs = await store().read([ref('a'), ref('b'), ref('c')])
    assert.deepEqual(docs.map(doc => doc?.data), [undefined, thing(2), undefined])
    assert.equal(docs[1]?.id, 'b')
  })

  it('reading nothing gives nothing', async () => {
    assert.deepEqual(await store().read([]), [])
  })

  it('every write changes the version, writing the same data and creating after a delete too', async () => {
    const versions: string[] = []
    const write = async (...writes: Write[]): Promise<void> => {
      await store().transact([ref('a')], () => commit(null, ...writes))
      versions.push((await store().read([ref('a')]))[0]?.version ?? 'absent')
    }
    await write(create('a', thing(1)))
    await write(put('a', thing(1)))
    await write({ kind: 'delete', ref: ref('a') })
    await write(put('a', thing(1)))
    assert.equal(versions[2], 'absent')
    assert.equal(new Set(versions).size, 4)
  })

  it('deleting what is absent is no error', async () => {
    assert.equal(await store().transact([ref('a')], () => commit('done', { kind: 'delete', ref: ref('a') })), 'done')
  })

  it('a document comes back as it was written, with any text and any number', async () => {
    const data = { kind: 'ü"\\\n\u0001\u{1f600}', n: -0.1, text: '', nested: { list: [1, 'two', null, true, { three: 3 }], big: Number.MAX_SAFE_INTEGER } }
    await store().transact([ref('a')], () => commit(null, put('a', data)))
    assert.deepEqual((await store().read([ref('a')]))[0]?.data, data)
  })

  it('a field that is undefined is left out', async () => {
    await seed(store(), { a: { ...thing(1), text: undefined } as unknown as Thing })
    assert.deepEqual((await store().read([ref('a')]))[0]?.data, thing(1))
  })

  it('what was committed is there after a restart, with the same version', async function () {
    const again = opened().reopen
    if (again === undefined) return this.skip()
    await seed(store(), { a: thing(7) })
    const before = await store().read([ref('a')])
    await reopen(again)
    assert.deepEqual(await store().read([ref('a')]), before)
    await store().transact([ref('a')], () => commit(null, put('a', thing(7))))
    assert.notEqual((await store().read([ref('a')]))[0]?.version, before[0]?.version)
  })
}

function transactions({ store, opened, patience }: Suite): void {
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

function facts({ store, opened, patience }: Suite): void {
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
    opened().events.subscribe({ topic: 'locks', name: 'compliance' }, async ({ event }) => { got.add((event.data as { is: string }).is) })
    const add = (): Promise<unknown> => store().transact([ref('n')], ([doc]) => {
      const n = numberOf(doc) + 1
      return { writes: [put('n', thing(n))], facts: [anEvent({ is: `n is ${n}` })], result: null }
    })
    await Promise.all(Array.from({ length: 8 }, add))
    await got.until(items => new Set(items).size >= 8, patience)
    assert.deepEqual([...new Set(got.items)].sort(), Array.from({ length: 8 }, (_, index) => `n is ${index + 1}`))
  })

  it('a fact of a type without a topic is our own mistake, and nothing is written', async () => {
    const event = { ...anEvent({}), type: 'no.such' }
    await assert.rejects(store().transact([ref('a')], () => ({ writes: [put('a', thing(1))], facts: [event], result: null })), TypeError)
    assert.deepEqual(await store().read([ref('a')]), [undefined])
  })
}

/** What JSON would change in silence. */
const notPlain: readonly (readonly [string, unknown])[] = [
  ['NaN', Number.NaN], ['Infinity', Infinity], ['a bigint', 1n], ['a function', () => 1], ['a symbol', Symbol('s')], ['a Date', new Date(0)], ['bytes', new Uint8Array(1)],
  ['a Map', new Map()], ['a hole in a list', [1, undefined]], ['its mistake deep inside', { a: [{ b: Number.NaN }] }],
]

function limits({ store }: Suite): void {
  const undeclared: Collection = { name: 'never-declared', queries: {} }
  it('a document of 900 KiB is taken, one byte more is a TypeError', async () => {
    const size = 900 * 1024
    const empty = JSON.stringify(thing(1, 'k', { text: '' })).length
    const text = 'x'.repeat(size - empty)
    await store().transact([ref('a')], () => commit(null, put('a', thing(1, 'k', { text }))))
    await assert.rejects(store().transact([ref('b')], () => commit(null, put('b', thing(1, 'k', { text: `${text}x` })))), TypeError)
    assert.deepEqual((await store().read([ref('a'), ref('b')])).map(doc => doc !== undefined), [true, false])
  })

  const mistakes: readonly (readonly [string, (store: DocumentStore) => Promise<unknown>])[] = [
    ['reading an undeclared collection', s => s.read([{ collection: undeclared, id: 'a' }])],
    ['writing an undeclared collection', s => s.transact([], () => commit(null, { kind: 'create', ref: { collection: undeclared, id: 'a' }, data: {} }))],
    ['querying an undeclared collection', s => s.query(undeclared, asked({ name: 'all' }))],
    ['a put of what was not read', s => s.transact([], () => commit(null, put('a', thing(1))))],
    ['a delete of what was not read', s => s.transact([], () => commit(null, { kind: 'delete', ref: ref('a') }))],
    ['two writes of one document', s => s.transact([ref('a')], () => commit(null, put('a', thing(1)), put('a', thing(2))))],
    ...notPlain.map(([what, data]) => [`a document with ${what}`, (s: DocumentStore) => s.transact([], () => commit(null, create('a', { kind: 'k', n: 1, data } as Thing)))] as const),
    ['a document that is a list', s => s.transact([], () => commit(null, create('a', [] as unknown as Thing)))],
    ['an empty id', s => s.read([ref('')])],
    ['an undeclared query', s => s.query(THINGS, asked({ name: 'nope' }))],
    ['a query named like a property of every object', s => s.query(THINGS, asked({ name: 'constructor' }))],
    ['a missing value', s => s.query(THINGS, asked({ name: 'byKind' }))],
    ['a value too many', s => s.query(THINGS, asked({ name: 'all', equal: { kind: 'k' } }))],
    ['bounds without an order', s => s.query(THINGS, asked({ name: 'all', from: 1 }))],
    ['bounds of two types', s => s.query(THINGS, asked({ name: 'byKind', equal: { kind: 'k' }, from: 1, to: 'a' }))],
    ['a limit of 0', s => s.query(THINGS, asked({ name: 'all', limit: 0 }))],
    ['a limit of 1,001', s => s.query(THINGS, asked({ name: 'all', limit: 1001 }))],
    ['a limit of 1.5', s => s.query(THINGS, asked({ name: 'all', limit: 1.5 }))],
  ]
  it('our own mistakes are TypeErrors', async () => {
    for (const [what, attempt] of mistakes) await assert.rejects(attempt(store()), TypeError, what)
  })

  it('a broken cursor is the caller\'s mistake', async () => {
    for (const cursor of ['', '!', 'bm90IGpzb24', Buffer.from('[1,2,3]').toString('base64url'), Buffer.from('{}').toString('base64url')]) {
      await assert.rejects(store().query(THINGS, asked({ name: 'byKind', equal: { kind: 'k' }, cursor })), { reason: 'REQUEST_INVALID' }, JSON.stringify(cursor))
    }
  })
}

function queries({ store }: Suite): void {
  const ids = async (query: Partial<Query> & { name: string }): Promise<string[]> => (await store().query(THINGS, asked(query))).docs.map(doc => doc.id)
  const kind = { kind: 'k' }

  it('equality, range and order select and sort', async () => {
    await seed(store(), { a: thing(3), b: thing(1), c: thing(2), d: thing(2, 'other'), e: thing(10) })
    assert.deepEqual(await ids({ name: 'byKind', equal: kind }), ['b', 'c', 'a', 'e'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, from: 2 }), ['c', 'a', 'e'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, to: 2 }), ['b', 'c'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, from: 2, to: 3 }), ['c', 'a'])
    assert.deepEqual(await ids({ name: 'newest', equal: kind, from: 2, to: 3 }), ['a', 'c'])
    assert.deepEqual(await ids({ name: 'byKind', equal: { kind: 'none' } }), [])
  })

  it('values are compared by type: "1", 1 and true are three things', async () => {
    const data = (flag: unknown): Thing => ({ kind: 'k', n: 1, flag }) as unknown as Thing
    await seed(store(), { number: data(1), text: data('1'), yes: data(true), no: data(false), list: data([true]) })
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: true } }), ['yes'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: false } }), ['no'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: 1 } }), ['number'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: '1' } }), ['text'])
  })

  it('documents without the order field are in no answer', async () => {
    await seed(store(), { a: thing(1, 'k', { text: 'x' }), b: thing(1) })
    assert.deepEqual(await ids({ name: 'byText' }), ['a'])
  })

  it('text is ordered by its UTF-8 bytes', async () => {
    await seed(store(), { a: thing(1, 'k', { text: '\u{1f600}' }), b: thing(1, 'k', { text: '\uff5e' }), c: thing(1, 'k', { text: 'Z' }), d: thing(1, 'k', { text: 'a' }) })
    assert.deepEqual(await ids({ name: 'byText' }), ['c', 'd', 'b', 'a'])
    assert.deepEqual(await ids({ name: 'byText', from: '\u{1f600}' }), ['a'])
  })

  it('a wanted value is a value, whatever it looks like', async () => {
    const hostile = ['\' OR 1=1 --', '$.kind', '%', '"', '', '\u0000', 'k\u0000']
    await seed(store(), { ...Object.fromEntries(hostile.map((text, index) => [`h${index}`, thing(index, text)])), k: thing(1) })
    for (const [index, text] of hostile.entries()) assert.deepEqual(await ids({ name: 'byKind', equal: { kind: text } }), [`h${index}`], JSON.stringify(text))
  })

  for (const name of ['byKind', 'newest']) {
    it(`pages of ${name} give every document once, in order, ties too`, async () => {
      await seed(store(), Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`d${String(index).padStart(2, '0')}`, thing(index % 4)])))
      const seen: number[] = []
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page = await store().query<Thing>(THINGS, { name, equal: kind, limit: 7, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.docs.map(doc => doc.data.n))
        found.push(...page.docs.map(doc => doc.id))
        cursor = page.cursor
      } while (cursor !== undefined)
      assert.equal(new Set(found).size, 25)
      assert.deepEqual(seen, [...seen].sort((one, two) => name === 'newest' ? two - one : one - two))
    })
  }

  it('a page that ends with the set has no cursor', async () => {
    await seed(store(), { a: thing(1), b: thing(2) })
    const page = await store().query(THINGS, asked({ name: 'byKind', equal: kind, limit: 2 }))
    assert.deepEqual([page.docs.length, page.cursor], [2, undefined])
  })
}

function watches({ store, patience }: Suite): void {
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
