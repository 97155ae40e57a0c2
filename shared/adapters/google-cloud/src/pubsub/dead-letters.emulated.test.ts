import { strict as assert } from 'node:assert'
import { PortUnavailable, type Delivery } from '@lockkeeper/domain/ports'
import { anEvent, collector } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { openClient, type Client } from './client.ts'
import { eventProblem } from '@lockkeeper/domain/event-schemas'
import { toMessage } from './event-message.ts'
import type { PubSubBus } from './index.ts'
import { openBus, testTopology, type BusOnEmulator } from './testing/emulated-bus.ts'

const lock = { id: 'lock_1', state: 'set', scope: { kind: 'everything' }, by: 'ana', reason: 'test' }
const topology = testTopology([{ topic: 'locks', name: 'first', maxDeliveries: 5 }, { topic: 'locks', name: 'second', maxDeliveries: 5 }])

describeEmulated('pubsub', 'Pub/Sub: messages that nobody can handle', (emulators) => {
  let on: BusOnEmulator
  let client: Client
  beforeEach(async () => {
    on = await openBus(emulators(), topology, { checkEvent: eventProblem })
    client = openClient({ projectId: on.options.projectId, emulator: on.options.emulator ?? '' })
  })
  afterEach(() => Promise.all([on.bus.close(), client.close()]))

  const letters = async (wanted: number, bus: PubSubBus = on.bus): ReturnType<PubSubBus['deadLetters']> => {
    for (const end = performance.now() + 8000; ;) {
      const found = await bus.deadLetters(100)
      if (found.length >= wanted || performance.now() > end) return found
    }
  }
  /** As somebody publishes who may, and does not keep to the house's form. */
  const publishRaw = (data: string, attributes: Record<string, string>): Promise<string> => client.topic(`${on.options.prefix}locks`).publishMessage({ data: Buffer.from(data), attributes })

  it('a poisoned message reaches no handler, holds up no other and ends as a dead letter that says why', async () => {
    const got = collector<Delivery>()
    on.bus.subscribe({ topic: 'locks', name: 'first', concurrency: 1 }, async (given) => got.add(given))
    const { attributes } = toMessage(anEvent(lock))
    await publishRaw('{"n":', attributes)
    await publishRaw('hello', {})
    await publishRaw(JSON.stringify({ ...lock, admin: true }), attributes)
    const good = anEvent(lock)
    await on.bus.publish('locks', [good])
    await got.count(1, 8000)
    const found = await letters(3)
    assert.deepEqual(got.items.map(({ event }) => event), [good])
    assert.deepEqual(found.map(({ error }) => error.replace(/:.*: /, ': …')).filter((error) => !error.startsWith('Poison')), [])
    assert.equal(found.length, 3)
    assert.ok(found.some(({ event }) => event.type === 'unreadable'))
  })

  for (const where of ['in the consumer\'s own process', 'by an operator without a consumer'] as const) {
    it(`a dead letter that is redriven ${where} reaches the consumer that gave it up, and no other gets it again`, async () => {
      let willing = false
      const [first, second] = [collector<Delivery>(), collector<Delivery>()]
      on.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => {
        if (!willing) throw new Error('not now')
        first.add(given)
      })
      on.bus.subscribe({ topic: 'locks', name: 'second' }, async (given) => second.add(given))
      const [event, later] = [anEvent(lock), anEvent(lock)]
      await on.bus.publish('locks', [event])
      const [letter] = await letters(1)
      assert.ok(letter)
      willing = true
      const operator = on.again()
      assert.equal(await (where.startsWith('by') ? operator : on).bus.redrive(letter.id), true)
      await first.count(1, 8000)
      // What is published afterwards comes after what was redriven.
      await on.bus.publish('locks', [later])
      await second.until((items) => items.some((given) => given.event.id === later.id), 8000)
      assert.deepEqual(first.items[0], { event, attempt: 1 })
      assert.deepEqual(second.items.map((given) => given.event.id), [event.id, later.id])
      await operator.bus.close()
    })
  }

  it('a letter that its consumer refuses again stays a letter', async () => {
    on.bus.subscribe({ topic: 'locks', name: 'first' }, () => Promise.reject(new Error('still not')))
    await on.bus.publish('locks', [anEvent(lock)])
    const [letter] = await letters(1)
    await assert.rejects(on.bus.redrive(letter?.id ?? ''), (error: unknown) => error instanceof PortUnavailable && /still not/.test(error.message))
    assert.deepEqual((await letters(1)).map(({ id }) => id), [letter?.id])
  })

  it('what a consumer that crashed had is buried by Pub/Sub itself, is listed without a reason and can be redriven', async () => {
    const event = anEvent(lock)
    const { data, attributes } = toMessage(event)
    await client.topic(`${on.options.prefix}locks-first-dead`).publishMessage({ data, attributes: { ...attributes, CloudPubSubDeadLetterSourceDeliveryCount: '5', CloudPubSubDeadLetterSourceSubscription: 'x' } })
    const [letter] = await letters(1)
    assert.deepEqual(letter?.event, event)
    assert.match(letter?.error ?? '', /given up by Pub\/Sub/)
    const got = collector<Delivery>()
    on.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    assert.equal(await on.bus.redrive(letter?.id ?? ''), true)
    assert.deepEqual((await got.count(1, 8000))[0]?.event, event)
  })

  it('two processes that redrive one letter at the same time deliver it at least once, and it is gone', async () => {
    const { data, attributes } = toMessage(anEvent(lock))
    await client.topic(`${on.options.prefix}locks-first-dead`).publishMessage({ data, attributes })
    const [letter] = await letters(1)
    const other = on.again()
    const got = collector<Delivery>()
    on.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    const done = await Promise.all([on.bus.redrive(letter?.id ?? ''), other.bus.redrive(letter?.id ?? '')])
    assert.ok(done.includes(true))
    await got.count(1, 8000)
    assert.deepEqual(await on.bus.deadLetters(10), [])
    await other.bus.close()
  })

  it('a service\'s own bus sees the letters of its subscriptions alone', async () => {
    const { data, attributes } = toMessage(anEvent(lock))
    await client.topic(`${on.options.prefix}locks-first-dead`).publishMessage({ data, attributes })
    const [letter] = await letters(1)
    const other = on.again({ service: 'somebody-else' })
    assert.deepEqual(await other.bus.deadLetters(10), [])
    assert.equal(await other.bus.redrive(letter?.id ?? ''), false)
    await other.bus.close()
  })
})
