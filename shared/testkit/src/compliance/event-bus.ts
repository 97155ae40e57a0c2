import { strict as assert } from 'node:assert'
import type { Delivery, EventBus, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { anEvent } from '../builders.ts'
import { collector } from '../collector.ts'
import type { OpenedEvents, SuiteSettings } from './subjects.ts'

type Numbered = { readonly n: number }
const topic = 'compliance'
const numbered = (count: number) => Array.from({ length: count }, (_, n) => anEvent({ n }))
const numberOf = ({ event }: Delivery): number => (event.data as Numbered).n
const distinct = (deliveries: readonly Delivery[]): number[] => [...new Set(deliveries.map(numberOf))].sort((one, two) => one - two)

/** Every rule of the EventBus port. `open` gives a fresh bus, with COMPLIANCE_SUBSCRIPTIONS where topology is made beforehand. */
export function eventBusCompliance(name: string, open: () => Promise<OpenedEvents>, settings: SuiteSettings = {}): void {
  const suite: Suite = { patience: settings.patienceMs ?? 5000, ackDeadlineMs: settings.ackDeadlineMs ?? 100, events: () => opened.events, opened: () => opened, replace: next => { opened = next } }
  let opened: OpenedEvents
  describe(`${name} keeps the contract of an EventBus`, () => {
    beforeEach(async () => { opened = await open() })
    afterEach(async () => { await opened.close() })
    describe('delivery', () => delivery(suite))
    describe('redelivery', () => redelivery(suite))
    describe('dead letters', () => deadLetters(suite))
    describe('restart', () => restart(suite))
    describe('mistakes', () => mistakes(suite))
  })
}

interface Suite {
  readonly patience: number
  readonly ackDeadlineMs: number
  readonly events: () => EventBus
  readonly opened: () => OpenedEvents
  readonly replace: (next: OpenedEvents) => void
}

function delivery({ patience, events }: Suite): void {
  it('every subscription name gets every event of its topic and none of another', async () => {
    const first = collector<Delivery>()
    const second = collector<Delivery>()
    const other = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => first.add(given))
    events().subscribe({ topic, name: 'second' }, async given => second.add(given))
    events().subscribe({ topic: 'compliance-other', name: 'first' }, async given => other.add(given))
    await events().publish(topic, numbered(20))
    await first.until(items => distinct(items).length === 20, patience)
    await second.until(items => distinct(items).length === 20, patience)
    await events().publish('compliance-other', [anEvent({ n: 99 })])
    await other.count(1, patience)
    assert.deepEqual(distinct(other.items), [99])
  })

  it('an event arrives as it was published, on attempt 1', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => got.add(given))
    const event = { ...anEvent({ n: 1, text: 'ü"\\\n\u{1f600}', list: [null, 1.5, { a: [] }] }), subject: 'apr_1' }
    await events().publish(topic, [event])
    const [given] = await got.count(1, patience)
    assert.deepEqual(given?.event, event)
    assert.equal(given?.attempt, 1)
  })

  it('publishing nothing is done at once', async () => {
    await events().publish(topic, [])
  })

  it('concurrent publishes are all delivered', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => got.add(given))
    await Promise.all(numbered(300).map(event => events().publish(topic, [event])))
    await got.until(items => new Set(items.map(numberOf)).size === 300, patience)
  })

  it('no more handlers run at once than `concurrency` says', async () => {
    let running = 0
    let most = 0
    const done = collector<number>()
    const gate = Promise.withResolvers<void>()
    events().subscribe({ topic, name: 'first', concurrency: 3 }, async given => {
      running += 1
      most = Math.max(most, running)
      if (running === 3) gate.resolve()
      await gate.promise
      running -= 1
      done.add(numberOf(given))
    })
    await events().publish(topic, numbered(12))
    await done.until(items => new Set(items).size === 12, patience)
    assert.equal(most, 3)
  })

  it('a closed subscription takes nothing more; what it did not take waits for the next of its name', async () => {
    const before = collector<Delivery>()
    const after = collector<Delivery>()
    const subscription = events().subscribe({ topic, name: 'first' }, async given => before.add(given))
    await events().publish(topic, [anEvent({ n: 1 })])
    await before.count(1, patience)
    await subscription.close()
    await events().publish(topic, [anEvent({ n: 2 })])
    events().subscribe({ topic, name: 'first' }, async given => after.add(given))
    await after.until(items => distinct(items).includes(2), patience)
    assert.deepEqual(distinct(before.items), [1])
  })

  it('close waits for handlers that run', async () => {
    const started = collector<Delivery>()
    const gate = Promise.withResolvers<void>()
    let finished = false
    const subscription = events().subscribe({ topic, name: 'first' }, async given => {
      started.add(given)
      await gate.promise
      finished = true
    })
    await events().publish(topic, [anEvent({ n: 1 })])
    await started.count(1, patience)
    const closed = subscription.close().then(() => finished)
    gate.resolve()
    assert.equal(await closed, true)
  })
}

function redelivery({ patience, ackDeadlineMs, events }: Suite): void {
  it('a rejected delivery comes again with the next attempt, others are not held up by it', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => {
      got.add(given)
      if (numberOf(given) === 0 && given.attempt < 3) throw new Error('not yet')
    })
    await events().publish(topic, numbered(3))
    await got.until(items => items.some(given => numberOf(given) === 0 && given.attempt === 3), patience)
    assert.deepEqual(got.items.filter(given => numberOf(given) === 0).map(given => given.attempt), [1, 2, 3])
    assert.deepEqual(distinct(got.items), [0, 1, 2])
  })

  it('a handler that throws before its first await rejects the delivery', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, given => {
      got.add(given)
      if (given.attempt === 1) throw new Error('at once')
      return Promise.resolve()
    })
    await events().publish(topic, [anEvent({ n: 1 })])
    await got.until(items => items.some(given => given.attempt === 2), patience)
  })

  it('a handler that never ends loses the event to a second delivery and does not stop the subscription', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first', concurrency: 1, ackDeadlineMs }, async given => {
      got.add(given)
      if (numberOf(given) === 0 && given.attempt === 1) await new Promise(() => undefined)
    })
    await events().publish(topic, numbered(3))
    await got.until(items => distinct(items).length === 3 && items.some(given => numberOf(given) === 0 && given.attempt === 2), patience)
  })

  it('an acknowledged event does not come again', async () => {
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first', ackDeadlineMs }, async given => got.add(given))
    await events().publish(topic, [anEvent({ n: 1 })])
    await got.count(1, patience)
    // A second event goes round the whole deadline of the first before the count is taken.
    await new Promise(resolve => setTimeout(resolve, ackDeadlineMs * 2))
    await events().publish(topic, [anEvent({ n: 2 })])
    await got.until(items => distinct(items).includes(2), patience)
    assert.deepEqual(got.items.map(numberOf), [1, 2])
  })
}

const hopeless = { topic, name: 'first', maxDeliveries: 5 } as const

function deadLetters({ patience, events }: Suite): void {
  const letters = async (wanted: number): Promise<Awaited<ReturnType<EventBus['deadLetters']>>> => {
    const end = performance.now() + patience
    for (;;) {
      const found = await events().deadLetters(100)
      if (found.length >= wanted || performance.now() > end) return found
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  it('an event that is rejected `maxDeliveries` times becomes a dead letter that says why', async () => {
    const got = collector<Delivery>()
    events().subscribe(hopeless, async given => {
      got.add(given)
      throw new Error('cannot take it')
    })
    const event = anEvent({ n: 7 })
    await events().publish(topic, [event])
    const [letter, ...more] = await letters(1)
    assert.equal(more.length, 0)
    assert.deepEqual({ topic: letter?.topic, subscription: letter?.subscription, event: letter?.event }, { topic, subscription: 'first', event })
    assert.match(letter?.error ?? '', /cannot take it/)
    assert.deepEqual(got.items.map(given => given.attempt), [1, 2, 3, 4, 5])
  })

  it('a redriven letter is delivered anew and is no letter any more', async () => {
    let willing = false
    const got = collector<Delivery>()
    events().subscribe(hopeless, async given => {
      if (!willing) throw new Error('no')
      got.add(given)
    })
    await events().publish(topic, [anEvent({ n: 1 })])
    const [letter] = await letters(1)
    assert.ok(letter)
    willing = true
    assert.equal(await events().redrive(letter.id), true)
    await got.count(1, patience)
    assert.deepEqual(await events().deadLetters(10), [])
    assert.equal(await events().redrive(letter.id), false)
  })

  it('redriving what is no letter resolves false', async () => {
    for (const id of ['', 'dl_', 'dl_0', 'dl_1', 'dl_99999999999999999999', 'dl_1 OR 1=1', '../x']) assert.equal(await events().redrive(id), false, id)
  })

  it('letters are listed newest first, up to the limit', async () => {
    events().subscribe({ ...hopeless, concurrency: 1 }, async () => { throw new Error('no') })
    for (let n = 1; n <= 3; n++) {
      await events().publish(topic, [anEvent({ n })])
      await letters(n)
    }
    assert.deepEqual((await events().deadLetters(2)).map(letter => (letter.event.data as Numbered).n), [3, 2])
  })
}

function restart({ patience, events, opened, replace }: Suite): void {
  it('what was published and not acknowledged is delivered after a restart', async function () {
    const again = opened().reopen
    if (again === undefined) return this.skip()
    const started = collector<Delivery>()
    events().subscribe({ topic, name: 'first', concurrency: 1, ackDeadlineMs: 1000 }, async given => {
      started.add(given)
      if (numberOf(given) > 0) throw new Error('later')
    })
    await events().publish(topic, numbered(4))
    await started.until(items => items.some(given => numberOf(given) === 0), patience)
    replace(await again())
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => got.add(given))
    await got.until(items => [1, 2, 3].every(n => distinct(items).includes(n)), patience)
  })

  it('a name that was subscribed once receives what is published before it is subscribed again', async function () {
    const again = opened().reopen
    if (again === undefined) return this.skip()
    const before = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => before.add(given))
    await events().publish(topic, [anEvent({ n: 0 })])
    await before.count(1, patience)
    replace(await again())
    await events().publish(topic, [anEvent({ n: 1 })])
    const got = collector<Delivery>()
    events().subscribe({ topic, name: 'first' }, async given => got.add(given))
    await got.until(items => distinct(items).includes(1), patience)
  })
}

function mistakes({ events }: Suite): void {
  const wrong: readonly (readonly [string, Partial<SubscriptionOptions>])[] = [
    ['maxDeliveries 4', { maxDeliveries: 4 }], ['maxDeliveries 101', { maxDeliveries: 101 }], ['concurrency 0', { concurrency: 0 }],
    ['concurrency 1.5', { concurrency: 1.5 }], ['ackDeadlineMs 0', { ackDeadlineMs: 0 }], ['an empty name', { name: '' }], ['an empty topic', { topic: '' }],
  ]
  it('a subscription outside of its limits is a TypeError', () => {
    for (const [what, options] of wrong) assert.throws(() => events().subscribe({ topic, name: 'first', ...options }, async () => undefined), TypeError, what)
  })

  it('publishing what is no CloudEvent is a TypeError, and nothing of the batch is published', async () => {
    const event = anEvent({ n: 1 })
    for (const broken of [{ ...event, id: '' }, { ...event, specversion: '0.3' }, { ...event, type: undefined }, { ...event, source: 1 }]) {
      await assert.rejects(events().publish(topic, [event, broken as never]), TypeError)
    }
  })

  it('listing 0 or 1,001 letters is a TypeError', async () => {
    await assert.rejects(events().deadLetters(0), TypeError)
    await assert.rejects(events().deadLetters(1001), TypeError)
  })
}
