import { strict as assert } from 'node:assert'
import { isRefusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Commit, type Ref, type WatchChange, type Write } from '@lockkeeper/domain/ports'
import { collector, THINGS, type Thing } from '@lockkeeper/testkit'
import { describeEmulated, faultyLink, freshProjectId, type FaultyLink } from '@lockkeeper/testkit/emulators'
import { openFirestore, type FirestoreOptions, type FirestoreStore } from './index.ts'

const ref = (id: string): Ref<Thing> => ({ collection: THINGS, id })
const puts = (id: string, n: number): Commit<number> => ({ writes: [{ kind: 'put', ref: ref(id), data: { kind: 'k', n } }], facts: [], result: n })
const BY_KIND = { name: 'byKind', equal: { kind: 'k' } }

async function timed(work: Promise<unknown>): Promise<readonly [unknown, number]> {
  const from = performance.now()
  const outcome = await work.catch((error: unknown) => error)
  return [outcome, performance.now() - from]
}

/** Resolves once the work stops failing. */
async function untilItWorks<T>(work: () => Promise<T>, patienceMs = 10_000): Promise<T> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() > end) throw error
    }
  }
}

describeEmulated('firestore', 'Firestore behind a faulty line', function (emulators) {
  this.timeout(30_000)
  let projectId: string
  let link: FaultyLink
  /** Behind the line. */
  let store: FirestoreStore
  /** With a line of its own. */
  let other: FirestoreStore
  const problems = collector<string>()
  const open = (emulator: string, options: Partial<FirestoreOptions> = {}): Promise<FirestoreStore> =>
    openFirestore({ projectId, databaseId: 'faults', emulator, collections: [THINGS], readTimeoutMs: 1000, transactTimeoutMs: 1500, watchReopenMs: { base: 20, max: 200 }, onProblem: problems.add, ...options })

  beforeEach(async () => {
    projectId = freshProjectId()
    link = await faultyLink(emulators().host)
    other = await open(emulators().host, { transactTimeoutMs: 10_000 })
    store = await open(link.host)
    // An emulator that has just started takes seconds for its first answers.
    await untilItWorks(() => other.documents.transact([ref('a')], () => puts('a', 1)))
    await untilItWorks(() => store.documents.read([ref('a')]))
  })
  afterEach(async () => {
    await store.close()
    await other.close()
    await link.close()
  })

  const lines: readonly (readonly [string, (line: FaultyLink) => void])[] = [['cut', line => line.cut()], ['silent', line => line.silence()], ['slower than its deadlines', line => line.delay(2000)]]
  for (const [what, spoil] of lines) it(`invariant 10: reads, queries and transactions over a line that is ${what} are PortUnavailable in bounded time, and work again after it`, async () => {
    spoil(link)
    const { documents } = store
    const outcomes = await Promise.all([
      timed(documents.read([ref('a')])), timed(documents.query(THINGS, { ...BY_KIND, limit: 1 })),
      timed(documents.transact([ref('a')], () => puts('a', 2))), timed(documents.transact([], () => ({ ...puts('b', 1), writes: [{ kind: 'create', ref: ref('b'), data: { kind: 'k', n: 1 } }] }))),
    ])
    for (const [error, ms] of outcomes) {
      assert.ok(error instanceof PortUnavailable, String(error))
      assert.ok(ms < 2500, `${ms} ms`)
    }
    link.restore()
    assert.equal((await untilItWorks(() => documents.read([ref('a')])))[0]?.id, 'a')
    assert.equal(await untilItWorks(() => documents.transact([ref('c')], () => puts('c', 3))), 3)
  })

  it('decide is not called again where it cannot be known whether the commit happened', async () => {
    let decided = 0
    await assert.rejects(store.documents.transact([ref('a')], () => {
      decided += 1
      link.silence()
      return puts('a', 2)
    }), PortUnavailable)
    assert.equal(decided, 1)
    link.restore()
  })

  it('a watch whose line is cut ages, and is whole again after it without telling anything twice', async () => {
    const seen = collector<readonly WatchChange<Thing>[]>()
    const told = (): string[] => seen.items.flat().map(({ id, doc }) => `${id}=${doc?.data.n ?? 'gone'}`)
    const watch = store.documents.watch(THINGS, BY_KIND, seen.add)
    await watch.ready
    link.cut()
    const cutAt = performance.now()
    await other.documents.transact([ref('a'), ref('b')], () => ({ ...puts('b', 2), writes: [{ kind: 'delete', ref: ref('a') }, { kind: 'put', ref: ref('b'), data: { kind: 'k', n: 2 } }] }))
    await problems.until(items => items.some(problem => problem.includes('byKind was interrupted')))
    assert.ok(watch.age() >= performance.now() - cutAt - 1)
    assert.deepEqual(told(), ['a=1'])
    link.restore()
    await seen.until(() => told().length >= 3, 10_000)
    assert.ok(watch.age() < 1000)
    await other.documents.transact([ref('c')], () => puts('c', 3))
    await seen.until(() => told().includes('c=3'), 10_000)
    assert.deepEqual(told(), ['a=1', 'b=2', 'a=gone', 'c=3'])
    watch.close()
  })

  it('a connection that is dead without a word is replaced long before its keepalive, for calls and for watches with a heartbeat', async () => {
    await other.documents.transact([ref('heartbeat')], () => puts('heartbeat', 1))
    const seen = collector<readonly WatchChange<Thing>[]>()
    const watch = store.documents.watch(THINGS, BY_KIND, seen.add)
    await watch.ready
    link.strand()
    const from = performance.now()
    await other.documents.transact([ref('heartbeat')], () => puts('heartbeat', 2))
    await Promise.all([untilItWorks(() => store.documents.read([ref('a')])), seen.until(calls => calls.flat().some(({ id, doc }) => id === 'heartbeat' && doc?.data.n === 2), 10_000)])
    assert.ok(performance.now() - from < 8000)
    watch.close()
  })

  it('a watch whose first set does not come in time says so and is over', async () => {
    const slow = await open(link.host, { watchReadyMs: 200 })
    link.silence()
    const watch = slow.documents.watch(THINGS, BY_KIND, () => assert.fail('heard'))
    await assert.rejects(watch.ready, PortUnavailable)
    assert.equal(watch.age(), Infinity)
    link.restore()
    await slow.close()
  })

  it('processes that write one document lose no write: a transaction that lost is decided again with the fresh document', async () => {
    const third = await open(emulators().host, { transactTimeoutMs: 10_000 })
    let decided = 0
    const add = ({ documents }: FirestoreStore): Promise<unknown> => documents.transact([ref('n')], ([doc]) => {
      decided += 1
      return puts('n', ((doc?.data as Thing | undefined)?.n ?? 0) + 1)
    })
    const results = await Promise.all([add(other), add(third), add(other), add(third)])
    assert.ok(results.every(result => !isRefusal(result)))
    assert.equal((await other.documents.read([ref('n')]))[0]?.data.n, 4)
    assert.ok(decided >= 4)
    await third.close()
  })

  it('invariant 10: a process that dies in the middle of a transaction keeps nobody from the documents that it read', async () => {
    const decided = Promise.withResolvers<void>()
    const dying = timed(store.documents.transact([ref('a')], () => {
      link.silence()
      decided.resolve()
      return puts('a', 2)
    }))
    await decided.promise
    const [answer, ms] = await timed(other.documents.transact([ref('a')], () => puts('a', 3)))
    assert.equal(answer, 3)
    assert.ok(ms < 1500, `${ms} ms`)
    assert.ok((await dying)[0] instanceof PortUnavailable)
  })

  const put = (id: string, n: number): Write => ({ kind: 'put', ref: ref(id), data: { kind: 'k', n } })
  const meanwhile: readonly (readonly [string, string, Write])[] = [
    ['was changed', 'a', put('a', 7)], ['was deleted', 'a', { kind: 'delete', ref: ref('a') }], ['appeared', 'b', put('b', 7)],
  ]
  for (const [what, id, write] of meanwhile) for (const own of [id, 'c']) it(`a document that ${what} between read and commit makes decide run again, ${own === id ? 'and is written' : 'also where it is only read'}`, async () => {
    const patient = await open(link.host, { transactTimeoutMs: 10_000 })
    const seen: (number | undefined)[] = []
    const decided = Promise.withResolvers<void>()
    const running = patient.documents.transact([ref(id), ref('c')], ([doc]) => {
      seen.push((doc?.data as Thing | undefined)?.n)
      // What is sent from now on waits until the other one's commit is durable.
      if (seen.length === 1) link.silence()
      decided.resolve()
      return { writes: [put(own, seen.length)], facts: [], result: seen.length }
    })
    await decided.promise
    await other.documents.transact([write.ref], () => ({ writes: [write], facts: [], result: null }))
    link.restore()
    assert.equal(await running, 2)
    assert.deepEqual(seen, [id === 'a' ? 1 : undefined, write.kind === 'delete' ? undefined : 7])
    assert.equal((await other.documents.read([ref(own)]))[0]?.data.n, 2)
    await patient.close()
  })

  it('a create that is in the way of a transaction with reads makes decide run again in a new one', async () => {
    await other.documents.transact([ref('taken')], () => puts('taken', 0))
    let attempt = 0
    const result = await other.documents.transact([ref('a')], () => {
      attempt += 1
      return { ...puts('a', attempt), writes: [...puts('a', attempt).writes, { kind: 'create', ref: ref(attempt === 1 ? 'taken' : 'free'), data: { kind: 'k', n: 1 } }] }
    })
    assert.equal(result, 2)
    assert.deepEqual((await other.documents.read([ref('a'), ref('taken'), ref('free')])).map(doc => doc?.data.n), [2, 0, 1])
  })
})
