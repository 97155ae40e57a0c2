import { strict as assert } from 'node:assert'
import process from 'node:process'
import { protos } from '@google-cloud/pubsub'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { anEvent, GrpcFault, grpcMethod, startGrpcServer, type GrpcServer, type GrpcStatus } from '@lockkeeper/testkit'
import { openPubSub, type PubSubBus } from './index.ts'
import { testTopology } from './testing/emulated-bus.ts'

const { PublishRequest, PublishResponse } = protos.google.pubsub.v1
const topology = testTopology([{ topic: 'locks', name: 'first' }])

/** A server that answers by the published proto; it is not Pub/Sub. */
describe('Pub/Sub: publishing', () => {
  let server: GrpcServer
  let bus: PubSubBus
  before(() => { process.env['METADATA_SERVER_DETECTION'] ??= 'none' })
  beforeEach(async () => {
    server = await startGrpcServer('google.pubsub.v1.Publisher', {
      Publish: grpcMethod(PublishRequest, PublishResponse, ({ messages }: InstanceType<typeof PublishRequest>) => ({ messageIds: messages.map((_, index) => String(index + 1)) })),
    })
    bus = openPubSub({ projectId: 'p-test', emulator: `127.0.0.1:${server.port}`, topology, publishTimeoutMs: 1000, log: { warn: () => undefined, error: () => undefined } })
  })
  afterEach(async () => {
    await bus.close()
    server.close()
  })
  const sent = () => server.calls.flatMap(({ request }) => (request as InstanceType<typeof PublishRequest>).messages)

  it('concurrent publishes share requests', async () => {
    await Promise.all(Array.from({ length: 300 }, (_, n) => bus.publish('locks', [anEvent({ n })])))
    assert.equal(sent().length, 300)
    assert.ok(server.calls.length <= 5, `${server.calls.length} requests`)
  })

  it('the message is the data, the attributes are the event', async () => {
    const event = anEvent({ n: 1 }, 'lock.changed', 'evt_1')
    await bus.publish('locks', [event])
    const [message] = sent()
    assert.equal(Buffer.from(message?.data ?? '').toString(), '{"n":1}')
    assert.deepEqual({ ...message?.attributes }, { 'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': 'evt_1', 'ce-source': '/test', 'ce-type': 'lock.changed', 'ce-time': event.time })
    assert.equal((server.calls[0]?.request as InstanceType<typeof PublishRequest>).topic, 'projects/p-test/topics/test-locks')
  })

  it('what passes by itself is tried again within the time that there is', async () => {
    const faults: GrpcStatus[] = ['UNAVAILABLE', 'INTERNAL', 'ABORTED']
    server.fault = () => {
      const next = faults.pop()
      return next === undefined ? undefined : new GrpcFault(next)
    }
    await bus.publish('locks', [anEvent({})])
    assert.equal(server.calls.length, 4)
  })

  it('an event is published when the acknowledgement is there, not before', async () => {
    server.fault = () => 'silence'
    let done = false
    const publishing = bus.publish('locks', [anEvent({})]).then(() => { done = true })
    await new Promise<void>((resolve) => {
      const look = (): void => void (server.calls.length > 0 ? resolve() : setImmediate(look))
      look()
    })
    assert.equal(done, false)
    await assert.rejects(publishing, PortUnavailable)
  })

  for (const [fault, error] of [['PERMISSION_DENIED', PortUnavailable], ['NOT_FOUND', PortUnavailable], ['UNAUTHENTICATED', PortUnavailable], ['INVALID_ARGUMENT', TypeError]] as const) {
    it(`invariant 10: ${fault} is told at once`, async () => {
      server.fault = () => new GrpcFault(fault)
      const start = performance.now()
      await assert.rejects(bus.publish('locks', [anEvent({})]), error)
      assert.ok(performance.now() - start < 1000)
    })
  }
})
