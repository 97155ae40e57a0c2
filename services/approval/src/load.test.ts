import assert from 'node:assert/strict'
import { EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type AccessRequest } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { failingAt } from '../test/failing-documents.ts'
import { deleteMore, giveGrant } from '../test/deletions.ts'
import { granted, openWorld, QUIET, requestedEvent, type Ask, type World } from '../test/harness.ts'
import { bucketOf, medianOf } from './load-buckets.ts'
import { createLoadBook, loadRef } from './load-book.ts'

const DAY = 86_400_000

describe('waits in buckets', () => {
  it('a median is off by a quarter at most, whatever the waits over half a second', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 501, max: 7 * DAY }), { minLength: 1, maxLength: 200 }), (waits) => {
      const counts: Record<string, number> = {}
      for (const wait of waits) counts[bucketOf(wait)] = (counts[bucketOf(wait)] ?? 0) + 1
      const exact = [...waits].sort((left, right) => left - right)[Math.ceil(waits.length / 2) - 1] ?? 0
      const found = medianOf(counts) ?? 0
      assert.ok(Math.abs(found - exact) <= exact * 0.26 || exact > 500 * 1.5 ** 38, `${found} for ${exact}`)
    }), { numRuns: 200 })
  })

  it('without waits there is no median, and none is too short or too long for a bucket', () => {
    assert.equal(medianOf({}), undefined)
    assert.deepEqual([bucketOf(0), bucketOf(1e15)], [0, 39])
  })
})

describe('load', () => {
  let world: World
  let agents = 0
  beforeEach(async () => { world = await openWorld({ fatigue: { share: 0.5, least: 4 } }) })
  afterEach(() => world.close())
  const ask = (changes: Ask = {}): Promise<AccessRequest> => world.raise({ agent: { id: `agent-${++agents}` }, ...changes })
  const underRule = async (rule: string): Promise<AccessRequest> => {
    const request = world.ask({ agent: { id: `agent-${++agents}` } })
    const named: AccessRequest = { ...request, decision: { ...request.decision, rule } }
    await world.deliver(requestedEvent(named))
    return named
  }

  it('each person is told how often they were asked, how long they took, and how much they approved unread', async () => {
    const [slow, quick, denied] = [await ask(), await ask(), await ask()]
    world.clock.advance(2_000)
    granted(await world.decide(quick, 'bo'))
    world.clock.advance(58_000)
    granted(await world.decide(slow, 'bo'))
    granted(await world.decide(denied, 'cy', 'deny', 'no'))
    await world.service().sweep()
    const { persons } = await world.service().admin.load()
    const bo = persons.find(({ name }) => name === 'bo')
    assert.deepEqual({ ...bo, medianMs: undefined, askedPerDay: undefined }, { name: 'bo', called: 'bo', asked: 3, approved: 2, denied: 0, fastShare: 0.5, medianMs: undefined, askedPerDay: undefined })
    assert.equal(bo?.askedPerDay, 0.4)
    assert.ok((bo?.medianMs ?? 0) > 1_500 && (bo?.medianMs ?? 0) < 2_500)
    assert.equal(persons.find(({ name }) => name === 'cy')?.denied, 1)
    assert.equal(persons.some(({ name }) => name === 'ana'), false, 'the sponsor was not asked')
  })

  it('a refused decision, a shared request and a redelivered one count nothing; a use of a grant asks nobody', async () => {
    const request = await ask()
    await world.deliver(requestedEvent({ ...request, id: `${request.id}b` }))
    await world.decide(request, 'ana')
    const given = await giveGrant(world, { id: `agent-${++agents}` })
    await deleteMore(world, given, 'more')
    await world.service().sweep()
    const { persons, rules } = await world.service().admin.load(1)
    assert.deepEqual([persons.find(({ name }) => name === 'bo')?.asked, rules.map(({ asked, approved }) => [asked, approved])], [2, [[2, 1]]])
  })

  it('the owner of the policy is told once a day of a rule that asks for more than its share', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-fatigue' }, async ({ event }) => facts.add(event))
    for (const rule of ['p/busy', 'p/busy', 'p/busy', 'p/calm', 'p/calm', 'p/calm']) await underRule(rule)
    await world.service().sweep()
    assert.ok((await world.service().admin.load()).rules.every(({ tooMuch }) => !tooMuch))
    for (const rule of ['p/busy', 'p/busy']) await underRule(rule)
    await world.service().sweep()
    await underRule('p/busy')
    await world.service().sweep()
    await facts.until((all) => all.some(({ type }) => type === 'fatigue.noticed'))
    const told = facts.items.filter(({ type }) => type === 'fatigue.noticed').map(({ data }) => data)
    assert.deepEqual(told, [{ rule: 'p/busy', day: '2026-01-01', asked: 5, of: 8, share: 0.5, mode: 'sandbox' }])
    const { rules } = await world.service().admin.load()
    assert.deepEqual(rules.map(({ name, asked, tooMuch }) => ({ name, asked, tooMuch })), [{ name: 'p/busy', asked: 6, tooMuch: true }, { name: 'p/calm', asked: 3, tooMuch: false }])
    assert.ok(world.logged.some((line) => line.startsWith('warn a rule asks for more than its share')))
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    await subscription.close()
  })

  it('days are summed, and those before the first are left out', async () => {
    for (let day = 0; day < 3; day += 1) {
      await ask()
      await world.service().sweep()
      world.clock.advance(DAY)
    }
    await ask()
    await world.service().sweep()
    const askedOf = async (days: number) => (await world.service().admin.load(days)).persons.find(({ name }) => name === 'bo')?.asked
    assert.deepEqual([await askedOf(1), await askedOf(2), await askedOf(90)], [1, 2, 4])
  })

  it('two instances that count at once lose nothing', async () => {
    const parts = { documents: world.store().documents, now: () => world.clock.now(), mode: 'sandbox', fatigue: { share: 1, least: 1000 }, log: QUIET } as const
    const books = [createLoadBook(parts), createLoadBook(parts)]
    for (let count = 0; count < 30; count += 1) for (const book of books) book.asked({ rule: 'p/r' }, ['bo', 'cy'])
    await Promise.all(books.map((book) => book.flush()))
    const { persons } = await world.service().admin.load()
    assert.deepEqual(persons.map(({ name, asked }) => [name, asked]), [['bo', 60], ['cy', 60]])
  })

  it('invariant 10: while the store is out of reach counts are kept, and written once', async () => {
    const broken = failingAt(world.store().documents, 1, false)
    let documents: Pick<typeof broken, 'transact'> = broken
    const book = createLoadBook({ documents: { ...broken, transact: (refs, decide) => documents.transact(refs, decide) }, now: () => world.clock.now(), mode: 'sandbox', fatigue: { share: 1, least: 1000 }, log: QUIET })
    book.asked({ rule: 'p/r' }, ['bo'])
    await assert.rejects(book.flush(), PortUnavailable)
    book.asked({ rule: 'p/r' }, ['bo'])
    documents = world.store().documents
    await book.flush()
    await book.flush()
    assert.equal((await world.service().admin.load()).persons[0]?.asked, 2)
  })

  it('what gathers between two writes is bounded', async () => {
    const warned: string[] = []
    const book = createLoadBook({ documents: world.store().documents, now: () => world.clock.now(), mode: 'sandbox', fatigue: { share: 1, least: 1000 }, log: { ...QUIET, warn: (_facts: object, message: string) => void warned.push(message) } })
    book.asked({ rule: 'p/r' }, Array.from({ length: 6_000 }, (_, index) => `p${index}`))
    assert.equal(warned.length, 1_002)
  })

  it('a count is kept for 90 days after its last change', async () => {
    await ask()
    await world.service().sweep()
    const [doc] = await world.store().documents.read([loadRef({ kind: 'person', day: '2026-01-01', name: 'bo' })])
    assert.equal(doc?.data.deleteAt, world.clock.now() + 90 * DAY)
  })
})
