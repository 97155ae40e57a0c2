import { strict as assert } from 'node:assert'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { anEvent, collector, THINGS } from '@lockkeeper/testkit'
import { describeEmulated, freshProjectId } from '@lockkeeper/testkit/emulators'
import { createOutboxRelay, openFirestore, type FirestoreStore, type OutboxRelay } from './index.ts'
import { memoryBus, type MemoryBus } from './testing/memory-bus.ts'

const HOUR_MS = 3_600_000

describeEmulated('firestore', 'Firestore\'s outbox', function (emulators) {
  this.timeout(20_000)
  let projectId: string
  let store: FirestoreStore
  let bus: MemoryBus
  let relay: OutboxRelay | undefined
  const problems = collector<string>()
  const open = (): Promise<FirestoreStore> => openFirestore({ projectId, databaseId: 'outbox', emulator: emulators().host, collections: [THINGS], onProblem: problems.add })
  const start = (graceMs: number): OutboxRelay => relay = createOutboxRelay({ outbox: store.outbox, bus, pollMs: HOUR_MS, graceMs, onProblem: problems.add })
  const tell = (...facts: CloudEvent[]): Promise<unknown> => store.documents.transact([], () => ({ writes: [], facts, result: null }))
  const waiting = async (): Promise<number> => (await store.outbox.page(500)).facts.length
  const published = (): string[] => bus.published.map(({ event }) => event.id).sort()

  beforeEach(async () => {
    projectId = freshProjectId()
    store = await open()
    bus = memoryBus()
  })
  afterEach(async () => {
    await relay?.close()
    relay = undefined
    await store.close()
  })

  it('a fact is published under its topic right after its commit and is gone once the bus has it', async () => {
    start(HOUR_MS)
    const event = anEvent({ n: 1 })
    await tell(event)
    await relay?.close()
    assert.deepEqual(bus.published, [{ topic: 'locks', event }])
    assert.equal(await waiting(), 0)
  })

  it('what a process that died has left is published by another one, and once', async () => {
    const events = Array.from({ length: 3 }, (_, n) => anEvent({ n }))
    await tell(...events)
    assert.deepEqual(published(), [])
    await store.close()
    store = await open()
    start(0)
    await relay?.look()
    assert.deepEqual(published(), events.map(({ id }) => id).sort())
    await relay?.look()
    assert.equal(bus.published.length, 3)
    assert.equal(await waiting(), 0)
  })

  it('what another process is just publishing is left to it', async () => {
    await tell(anEvent({ n: 1 }))
    start(HOUR_MS)
    await relay?.look()
    assert.deepEqual(published(), [])
    assert.equal(await waiting(), 1)
  })

  it('a bus that is down loses nothing: the commit stands, and the fact comes when the bus is back', async () => {
    start(0)
    bus.fail(new PortUnavailable('down'))
    const event = anEvent({ n: 1 })
    await tell(event)
    await problems.until(items => items.some(problem => problem.includes('wait in the outbox')))
    await relay?.look()
    assert.equal(await waiting(), 1)
    bus.fail(undefined)
    await relay?.look()
    assert.deepEqual(published(), [event.id])
    assert.equal(await waiting(), 0)
  })

  it('a fact that the bus can never take does not hold up the others', async () => {
    const events = Array.from({ length: 3 }, (_, n) => anEvent({ n }))
    await tell(...events)
    const poisoned = { publish: (topic: string, all: readonly CloudEvent[]) => all.some(({ id }) => id === events[1]?.id) ? Promise.reject(new TypeError('too large')) : bus.publish(topic, all) }
    relay = createOutboxRelay({ outbox: store.outbox, bus: poisoned, pollMs: HOUR_MS, graceMs: 0, onProblem: problems.add })
    await relay.look()
    assert.deepEqual(published(), [events[0]?.id, events[2]?.id].sort())
    assert.equal(await waiting(), 1)
  })

  it('more than a page is published in one look', async () => {
    const events = Array.from({ length: 450 }, (_, n) => anEvent({ n }))
    await tell(...events)
    start(0)
    await relay?.look()
    assert.equal(new Set(published()).size, 450)
    assert.equal(await waiting(), 0)
  })

  it('two relays that look at once may publish twice and lose nothing', async () => {
    const events = Array.from({ length: 20 }, (_, n) => anEvent({ n }))
    await tell(...events)
    const second = await open()
    start(0)
    const other = createOutboxRelay({ outbox: second.outbox, bus, pollMs: HOUR_MS, graceMs: 0, onProblem: problems.add })
    await Promise.all([relay?.look(), other.look()])
    assert.equal(new Set(published()).size, 20)
    assert.equal(await waiting(), 0)
    await other.close()
    await second.close()
  })

  it('a database that cannot be read is said to the operator, and the relay goes on', async () => {
    start(0)
    await store.close()
    await relay?.look()
    await problems.until(items => items.includes('the outbox cannot be read'))
    store = await open()
  })
})
