import { strict as assert } from 'node:assert'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Delivery } from '@lockkeeper/domain/ports'
import { anEvent, collector } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { startPushDelivery } from '@lockkeeper/testkit/push-delivery'
import { createTopology } from './index.ts'
import { openBus, testTopology, type BusOnEmulator } from './testing/emulated-bus.ts'
import { pusherTokens, type PusherTokens } from './testing/pusher-tokens.ts'

const topology = testTopology([{ topic: 'locks', name: 'pushed', mode: 'push', maxDeliveries: 5 }])

describeEmulated('pubsub', 'Pub/Sub: push, from topic to handler', (emulators) => {
  let tokens: PusherTokens
  let on: BusOnEmulator
  let server: Server
  let origin: string
  const answers = collector<number>()

  before(async () => { tokens = await pusherTokens() })
  beforeEach(async () => {
    on = await openBus(emulators(), topology, { verifyPusher: tokens.verifyPusher })
    server = createServer((request, response) => {
      void buffer(request).then((body) => on.bus.receivePush((request.url ?? '').replace('/push/', ''), { authorization: request.headers.authorization, body }))
        .then(({ status }) => {
          answers.add(status)
          response.writeHead(status).end()
        })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    await on.bus.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const pusher = () => startPushDelivery({
    projectId: on.options.projectId, emulator: on.options.emulator ?? '', prefix: on.options.prefix ?? topology.prefix, subscriptions: topology.subscriptions,
    endpoint: () => origin, authorization: async (spec) => `Bearer ${await tokens.token(spec)}`,
  })

  it('events are pushed with a token, redelivered when rejected, and buried with the reason when they were rejected too often', async () => {
    const got = collector<Delivery>()
    on.bus.subscribe({ topic: 'locks', name: 'pushed' }, async (given) => {
      got.add(given)
      if ((given.event.data as { readonly n: number }).n === 0) throw new Error('cannot take it')
    })
    const pushing = pusher()
    await on.bus.publish('locks', [anEvent({ n: 0 }), anEvent({ n: 1 })])
    await got.count(6, 8000)
    const end = performance.now() + 8000
    let letters = await on.bus.deadLetters(10)
    while (letters.length === 0 && performance.now() < end) letters = await on.bus.deadLetters(10)
    assert.match(letters[0]?.error ?? '', /cannot take it/)
    assert.deepEqual(got.items.filter(({ event }) => (event.data as { readonly n: number }).n === 0).map(({ attempt }) => attempt), [1, 2, 3, 4, 5])
    await pushing.stop()
  })

  it('what the emulator pushes itself, without a token, is refused and waits for somebody who may', async () => {
    const got = collector<Delivery>()
    const bare = testTopology([{ topic: 'bare-locks', name: 'pushed', mode: 'push', maxDeliveries: 100 }])
    const { projectId, emulator = '' } = on.options
    const unsigned = await openBus({ ...emulators(), projectId }, testTopology([]), { topology: bare, verifyPusher: tokens.verifyPusher })
    await createTopology({ projectId, emulator, topology: bare, ...(unsigned.options.prefix === undefined ? {} : { prefix: unsigned.options.prefix }), pushEndpoint: ({ pushPath }) => `${origin}${pushPath}` })
    const before = on
    on = unsigned
    unsigned.bus.subscribe({ topic: 'bare-locks', name: 'pushed' }, async (given) => got.add(given))
    const seen = answers.items.length
    await unsigned.bus.publish('bare-locks', [anEvent({ n: 1 })])
    await answers.until((items) => items.length >= seen + 2, 8000)
    assert.deepEqual([...new Set(answers.items.slice(seen))], [401])
    assert.deepEqual(got.items, [])
    await before.bus.close()
  })
})
