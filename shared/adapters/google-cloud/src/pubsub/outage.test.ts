import { strict as assert } from 'node:assert'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { anEvent } from '@lockkeeper/testkit'
import { openPubSub, type PubSubBus, type PubSubOptions } from './index.ts'
import { testTopology } from './testing/emulated-bus.ts'

const topology = testTopology([{ topic: 'locks', name: 'first' }])

describe('Pub/Sub: nobody answers', () => {
  const sockets = new Set<Socket>()
  let silent: Server
  let bus: PubSubBus | undefined
  const listen = async (): Promise<string> => {
    silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    return `127.0.0.1:${(silent.address() as AddressInfo).port}`
  }
  const open = (emulator: string, changes: Partial<PubSubOptions> = {}): PubSubBus => {
    bus = openPubSub({ projectId: 'p-test', emulator, topology, publishTimeoutMs: 300, log: { warn: () => undefined, error: () => undefined }, ...changes })
    return bus
  }
  const bounded = async (work: Promise<unknown>, mostMs: number): Promise<void> => {
    const start = performance.now()
    await assert.rejects(work, PortUnavailable)
    assert.ok(performance.now() - start < mostMs, `took ${performance.now() - start} ms`)
  }
  before(() => {
    // Google's libraries look for a metadata server otherwise.
    process.env['METADATA_SERVER_DETECTION'] ??= 'none'
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await bus?.close()
    if (silent.listening) await new Promise((resolve) => silent.close(resolve))
  })

  it('invariant 10: a connection that is refused is an outage, within the time that was given', async () => {
    const host = await listen()
    await new Promise((resolve) => silent.close(resolve))
    await bounded(open(host).publish('locks', [anEvent({})]), 2000)
  })

  it('invariant 10: a server that says nothing is an outage, within the time that was given', async () => {
    const on = open(await listen())
    await bounded(on.publish('locks', [anEvent({}), anEvent({})]), 2000)
    await bounded(on.deadLetters(10), 2000)
  })

  it('what waits is bounded: more is refused at once', async () => {
    const on = open(await listen(), { publishTimeoutMs: 400, maxOutstanding: 3 })
    const waiting = on.publish('locks', [anEvent({}), anEvent({}), anEvent({})])
    await bounded(on.publish('locks', [anEvent({})]), 100)
    await assert.rejects(waiting, PortUnavailable)
  })

  it('bytes that wait are bounded too; one publish alone is never over', async () => {
    const on = open(await listen(), { publishTimeoutMs: 400, maxOutstandingBytes: 1000 })
    const waiting = on.publish('locks', [anEvent({ text: 'x'.repeat(2000) })])
    await bounded(on.publish('locks', [anEvent({})]), 100)
    await assert.rejects(waiting, PortUnavailable)
  })

  it('a topic or a subscription that the topology has not is a TypeError, and nothing is dialled', async () => {
    const on = open(await listen())
    await assert.rejects(on.publish('nowhere', [anEvent({})]), TypeError)
    await assert.rejects(on.publish('__proto__', [anEvent({})]), TypeError)
    assert.throws(() => on.subscribe({ topic: 'locks', name: 'nobody' }, async () => undefined), TypeError)
    assert.equal(sockets.size, 0)
  })

  it('an event over 8 MiB is a TypeError', async () => {
    await assert.rejects(open(await listen()).publish('locks', [anEvent({ text: 'x'.repeat(8 * 1024 * 1024) })]), TypeError)
  })

  it('invariant 14: no environment variable leads a real bus to an emulator', async () => {
    const host = await listen()
    const names = ['PUBSUB_EMULATOR_HOST', 'CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB']
    const before = names.map((name) => [name, process.env[name]] as const)
    for (const name of names) process.env[name] = host
    try {
      // Credentials of nobody: whatever is dialled, it is not with ours.
      const on = openPubSub({ projectId: 'p-test', endpoint: 'pubsub.invalid:443', topology, publishTimeoutMs: 300, log: { warn: () => undefined, error: () => undefined } })
      await bounded(on.publish('locks', [anEvent({})]), 5000)
      assert.equal(sockets.size, 0)
      await on.close()
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  const endpoints = ['http://pubsub.googleapis.com:443', 'pubsub.googleapis.com', 'localhost:8085', '127.0.0.1:8085', 'user@host:443', '']
  for (const endpoint of endpoints) it(`an endpoint that is no address of the real service is a TypeError: ${endpoint || '(empty)'}`, () => assert.throws(() => openPubSub({ projectId: 'p', endpoint, topology, log: { warn: () => undefined, error: () => undefined } }), TypeError))

  it('an emulator and an endpoint together are a TypeError', async () => {
    assert.throws(() => openPubSub({ projectId: 'p', emulator: '127.0.0.1:1', endpoint: 'pubsub.googleapis.com:443', topology, log: { warn: () => undefined, error: () => undefined } }), TypeError)
  })
})
