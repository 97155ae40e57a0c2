import { strict as assert } from 'node:assert'
import { PortUnavailable, type Delivery } from '@lockkeeper/domain/ports'
import { anEvent, collector } from '@lockkeeper/testkit'
import { describeEmulated, faultyLink, type FaultyLink } from '@lockkeeper/testkit/emulators'
import { createTopology } from './index.ts'
import { openBus, testTopology, type BusOnEmulator } from './testing/emulated-bus.ts'

const topology = testTopology([{ topic: 'locks', name: 'first' }])
const numberOf = ({ event }: Delivery): number => (event.data as { readonly n: number }).n

describeEmulated('pubsub', 'Pub/Sub: the line breaks', (emulators) => {
  let link: FaultyLink
  let near: BusOnEmulator
  let far: BusOnEmulator
  beforeEach(async () => {
    link = await faultyLink(emulators().host)
    near = await openBus(emulators(), topology)
    far = near.again({ emulator: link.host, publishTimeoutMs: 500 })
  })
  afterEach(async () => {
    link.restore()
    await Promise.all([near.bus.close(), far.bus.close()])
    await link.close()
  })

  it('invariant 10: a line that is cut makes publishing an outage in bounded time, and it works again once the line does', async () => {
    const got = collector<Delivery>()
    near.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    await far.bus.publish('locks', [anEvent({ n: 1 })])
    link.cut()
    const start = performance.now()
    await assert.rejects(far.bus.publish('locks', [anEvent({ n: 2 })]), PortUnavailable)
    assert.ok(performance.now() - start < 3000)
    link.restore()
    for (const end = performance.now() + 8000; ;) {
      try {
        await far.bus.publish('locks', [anEvent({ n: 3 })])
        break
      } catch (error) {
        if (performance.now() > end) throw error
      }
    }
    await got.until((items) => items.some((given) => numberOf(given) === 3), 8000)
  })

  it('a subscription goes on by itself when the line is back', async () => {
    const got = collector<Delivery>()
    far.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    await near.bus.publish('locks', [anEvent({ n: 1 })])
    await got.count(1, 8000)
    link.cut()
    link.restore()
    // What Pub/Sub sends into the broken stream before it notices comes again at the end of its lease; what follows comes at once.
    for (let n = 2; got.items.length < 2; n++) {
      await near.bus.publish('locks', [anEvent({ n })])
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })

  it('a subscription that is not there yet is said and tried again, until it is', async () => {
    const prefix = `${near.options.prefix ?? ''}late-`
    const late = near.again({ prefix })
    const got = collector<Delivery>()
    late.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    for (const end = performance.now() + 8000; late.log.length === 0 && performance.now() < end;) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.match(late.log[0]?.message ?? '', /broke and is opened again/)
    await createTopology({ projectId: near.options.projectId, emulator: emulators().host, topology, prefix })
    await late.bus.publish('locks', [anEvent({ n: 1 })])
    await got.count(1, 8000)
    await late.bus.close()
  })

  it('invariant 11: closing ends although nothing passes any more', async () => {
    const got = collector<Delivery>()
    const gate = Promise.withResolvers<void>()
    const subscription = far.bus.subscribe({ topic: 'locks', name: 'first' }, (given) => {
      got.add(given)
      return gate.promise
    })
    await near.bus.publish('locks', [anEvent({ n: 1 })])
    await got.count(1, 8000)
    link.silence()
    const start = performance.now()
    const closing = subscription.close()
    gate.resolve()
    await closing
    assert.ok(performance.now() - start < 4000)
    assert.ok(far.log.some(({ message }) => message.includes('not every acknowledgement arrived')))
  })

  it('a slow line delays and loses nothing', async () => {
    const got = collector<Delivery>()
    far.bus.subscribe({ topic: 'locks', name: 'first' }, async (given) => got.add(given))
    link.delay(100)
    await far.bus.publish('locks', Array.from({ length: 20 }, (_, n) => anEvent({ n })))
    await got.until((items) => new Set(items.map(numberOf)).size === 20, 8000)
  })
})
