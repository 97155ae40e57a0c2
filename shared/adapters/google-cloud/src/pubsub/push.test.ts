import { strict as assert } from 'node:assert'
import { refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Delivery } from '@lockkeeper/domain/ports'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { anEvent, collector } from '@lockkeeper/testkit'
import { toMessage } from './event-message.ts'
import { openPubSub, type PubSubBus, type PubSubOptions, type VerifyPusher } from './index.ts'
import { testTopology } from './testing/emulated-bus.ts'
import { audienceOf, pusherTokens, type PusherTokens, type TokenParts } from './testing/pusher-tokens.ts'

const topology = testTopology([{ topic: 'locks', name: 'pushed', mode: 'push' }, { topic: 'locks', name: 'other', mode: 'push' }, { topic: 'locks', name: 'pulled' }])
const id = 'locks-pushed'
const lock = { id: 'lock_1', state: 'set', scope: { kind: 'everything' }, by: 'ana', reason: 'test' }

/** What Pub/Sub posts for the event. */
function pushed(event: CloudEvent = anEvent(lock), changes: Readonly<Record<string, unknown>> = {}, attributes: Readonly<Record<string, string>> = {}): Buffer {
  const message = toMessage(event)
  const sent = { data: message.data.toString('base64'), attributes: { ...message.attributes, ...attributes }, messageId: '17', message_id: '17' }
  return Buffer.from(JSON.stringify({ message: sent, subscription: `projects/p-test/subscriptions/test-${id}`, deliveryAttempt: 1, ...changes }))
}

describe('Pub/Sub push', () => {
  let tokens: PusherTokens
  let bus: PubSubBus
  let lines: string[]
  let got: ReturnType<typeof collector<Delivery>>
  const open = (changes: Partial<PubSubOptions> = {}): PubSubBus => {
    lines = []
    const write = (facts: object, message: string): void => void lines.push(`${message} ${JSON.stringify(facts)}`)
    // Nothing listens there and nothing is dialled: only publishing would.
    return openPubSub({ projectId: 'p-test', emulator: '127.0.0.1:9', topology, verifyPusher: tokens.verifyPusher, log: { warn: write, error: write }, ...changes })
  }
  const push = async (body: Buffer, token?: string, to = id): Promise<number> => (await bus.receivePush(to, { authorization: `Bearer ${token ?? await tokens.token({ id })}`, body })).status

  before(async () => { tokens = await pusherTokens() })
  beforeEach(() => {
    bus = open()
    got = collector()
  })
  afterEach(() => bus.close())

  const taking = (options: { readonly concurrency?: number } = {}) => bus.subscribe({ topic: 'locks', name: 'pushed', ...options }, async (given) => got.add(given))

  it('an event from the right pusher is handed over and acknowledged', async () => {
    taking()
    const event = anEvent(lock)
    assert.equal(await push(pushed(event, { deliveryAttempt: 3 })), 204)
    assert.deepEqual(got.items, [{ event, attempt: 3 }])
  })

  const forged: readonly (readonly [string, TokenParts, 401 | 403])[] = [
    ['signed by another key', { forged: true }, 401],
    ['of another issuer', { issuer: 'https://accounts.evil.test' }, 401],
    ['for another endpoint of the same service', { audience: audienceOf({ id: 'locks-other' }) }, 401],
    ['for a prefix of the audience', { audience: 'https://service.example.test' }, 401],
    ['of another account of the same project', { email: 'agent@test-project.iam.gserviceaccount.com' }, 403],
    ['without an address', { email: undefined }, 401],
    ['whose address is not verified', { verified: false }, 401],
    ['that has expired', { ageSeconds: 7200 }, 401],
    ['from the future', { ageSeconds: -7200 }, 401],
  ]
  for (const [what, parts, status] of forged) {
    it(`invariant 7: a push with a token ${what} is refused, and nothing is done`, async () => {
      taking()
      assert.equal(await push(pushed(), await tokens.token({ id }, parts)), status)
      assert.deepEqual(got.items, [])
      assert.ok(lines.some((line) => line.includes('not from the pusher')))
    })
  }

  it('invariant 7: a push without a token, or with one that is none, is refused', async () => {
    taking()
    const token = await tokens.token({ id })
    for (const authorization of [undefined, '', 'Bearer', 'Bearer ', `Basic ${token}`, token, `Bearer ${token} ${token}`, `Bearer ${'x'.repeat(100_000)}`, `Bearer ${token.split('.').slice(0, 2).join('.')}.`]) {
      assert.equal((await bus.receivePush(id, { authorization, body: pushed() })).status, 401, String(authorization).slice(0, 40))
    }
    assert.deepEqual(got.items, [])
  })

  it('a verdict that is anything but true refuses; one that cannot be had is an outage', async () => {
    const verdicts: readonly (readonly [VerifyPusher, number])[] = [
      [async () => undefined as never, 403], [async () => ({ email: 'x' }) as never, 403], [async () => 'true' as never, 403],
      [async () => refuse('ISSUER_UNAVAILABLE', 'no keys'), 503], [async () => refuse('POLICY_DENIED', 'no'), 403], [() => Promise.reject(new PortUnavailable('down')), 503],
    ]
    for (const [verifyPusher, status] of verdicts) {
      await bus.close()
      bus = open({ verifyPusher })
      taking()
      assert.equal(await push(pushed()), status)
    }
    assert.deepEqual(got.items, [])
  })

  it('a push subscription without a verifier is a TypeError', () => {
    const { verifyPusher: _, ...options } = { verifyPusher: tokens.verifyPusher, projectId: 'p-test', emulator: '127.0.0.1:9', topology, log: { warn: () => undefined, error: () => undefined } }
    assert.throws(() => openPubSub(options).subscribe({ topic: 'locks', name: 'pushed' }, async () => undefined), /nothing here verifies/)
  })

  it('a body that is no envelope of this subscription is not acknowledged, and said', async () => {
    taking()
    for (const body of [Buffer.from('{}'), Buffer.from(''), pushed(anEvent(lock), { subscription: 'projects/p-test/subscriptions/test-locks-other' })]) assert.equal(await push(body), 400)
    assert.equal(lines.filter((line) => line.includes('not what Pub/Sub sends')).length, 3)
    assert.deepEqual(got.items, [])
  })

  it('a body over 16 MiB is not read', async () => {
    taking()
    assert.equal(await push(Buffer.alloc(16 * 1024 * 1024 + 1, 0x20)), 413)
  })

  const poison: readonly (readonly [string, Buffer])[] = [
    ['whose data is not of its type', pushed(anEvent({ ...lock, admin: true }))], ['that stands in the wrong topic', pushed(anEvent({}, 'policy.published'))],
    ['that is no event', pushed(anEvent(lock), {}, { 'ce-specversion': '0.3' })],
  ]
  for (const [what, body] of poison) {
    it(`a poisoned message, ${what}, reaches no handler, comes again and is said`, async () => {
      taking()
      assert.equal(await push(body), 503)
      assert.deepEqual(got.items, [])
      assert.ok(lines.some((line) => line.includes('can never be handled')))
    })
  }

  it('no line of the log holds what an event carries', async () => {
    bus.subscribe({ topic: 'locks', name: 'pushed' }, () => Promise.reject(new Error('not now')))
    assert.equal(await push(pushed(anEvent({ ...lock, reason: 'CANARY' }))), 503)
    assert.equal(await push(pushed(anEvent({ ...lock, state: 'CANARY' }))), 503)
    assert.ok(lines.length >= 2)
    assert.ok(!lines.some((line) => line.includes('CANARY')))
  })

  it('an event that its handler rejects comes again', async () => {
    bus.subscribe({ topic: 'locks', name: 'pushed' }, () => Promise.reject(new Error('not now')))
    assert.equal(await push(pushed()), 503)
  })

  it('every delivery is told of by what came of it, the trace that it belongs to is handed over, and one that is refused at the door is none', async () => {
    const settled: string[] = []
    await bus.close()
    bus = open({ onSettled: (subscription, outcome) => settled.push(`${subscription} ${outcome}`) })
    const traces: (string | undefined)[] = []
    bus.subscribe({ topic: 'locks', name: 'pushed' }, async ({ event, attempt }) => {
      traces.push(event.traceparent)
      if (attempt === 1) throw new Error('not now')
    })
    const event = { ...anEvent(lock), traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    await push(pushed(event, { deliveryAttempt: 1 }))
    await push(pushed(event, { deliveryAttempt: 2 }))
    await push(pushed(event), 'forged')
    assert.deepEqual(settled, [`${id} again`, `${id} done`])
    assert.deepEqual(traces, [event.traceparent, event.traceparent])
  })

  it('a handler that is over the acknowledgement deadline is answered for, and the event comes again', async () => {
    bus.subscribe({ topic: 'locks', name: 'pushed', ackDeadlineMs: 20 }, () => new Promise(() => undefined))
    assert.equal(await push(pushed()), 503)
  })

  it('an event that was redriven for another subscription is acknowledged and handed to nobody', async () => {
    taking()
    assert.equal(await push(pushed(anEvent(lock), {}, { 'lockkeeper-redriven-for': 'locks-other' })), 204)
    assert.deepEqual(got.items, [])
    assert.equal(await push(pushed(anEvent(lock), {}, { 'lockkeeper-redriven-for': id })), 204)
    assert.equal(got.items.length, 1)
  })

  it('a subscription that is not pushed to has no endpoint', async () => {
    taking()
    for (const to of ['locks-pulled', 'nobody', '', 'constructor', '__proto__']) assert.equal(await push(pushed(), undefined, to), 404, to)
  })

  it('no more handlers run at once than `concurrency` says; as many wait, and the next is told to come again', async () => {
    await bus.close()
    // Tokens take differently long to verify; here every request arrives in its turn.
    bus = open({ verifyPusher: async () => true })
    const gate = Promise.withResolvers<void>()
    let [running, most] = [0, 0]
    bus.subscribe({ topic: 'locks', name: 'pushed', concurrency: 2 }, async (given) => {
      running += 1
      most = Math.max(most, running)
      got.add(given)
      await gate.promise
      running -= 1
    })
    const first = Array.from({ length: 4 }, () => push(pushed(), 'token'))
    await got.count(2)
    assert.equal(await push(pushed(), 'token'), 429)
    gate.resolve()
    assert.deepEqual(await Promise.all(first), [204, 204, 204, 204])
    assert.equal(most, 2)
  })

  it('before it is subscribed, and once it is closed, an endpoint sends events to another instance; close waits for handlers', async () => {
    assert.equal(await push(pushed()), 503)
    const gate = Promise.withResolvers<void>()
    const subscription = bus.subscribe({ topic: 'locks', name: 'pushed' }, (given) => {
      got.add(given)
      return gate.promise
    })
    const answer = push(pushed())
    await got.count(1)
    let closed = false
    const closing = subscription.close().then(() => { closed = true })
    assert.equal(await push(pushed()), 503)
    assert.equal(closed, false)
    gate.resolve()
    assert.equal(await answer, 204)
    await closing
  })

  it('two handlers for one push subscription in one process are a TypeError; a closed one makes room', async () => {
    const first = taking()
    assert.throws(() => taking(), TypeError)
    await first.close()
    taking()
  })
})
