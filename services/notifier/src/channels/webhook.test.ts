import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { startProviderServer, type ProviderServer } from '@lockkeeper/testkit'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { lockEvent, openNotifier, WEBHOOK_SECRET, type World } from '../../test/harness.ts'
import { webhookKey, webhookSignature } from './webhook.ts'

describe('secrets and signatures of webhooks', () => {
  it('the published example of Standard Webhooks has the published signature', () => {
    const key = webhookKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    assert.ok(key !== undefined)
    assert.equal(webhookSignature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}'), 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  for (const secret of ['', 'whsec_', 'secret', `whsec_${Buffer.alloc(23).toString('base64')}`, `whsec_${Buffer.alloc(65).toString('base64')}`, `${WEBHOOK_SECRET}=`, `whsec_${'*'.repeat(40)}`]) {
    it(`${JSON.stringify(secret.slice(0, 20))} of ${secret.length} characters is no secret`, () => assert.equal(webhookKey(secret), undefined))
  }
})

describe('webhooks', () => {
  let receiver: ProviderServer
  let world: World
  const open = async (changes: object = {}): Promise<void> => {
    world = await openNotifier({ channels: [{ kind: 'webhook', name: 'siem', url: `${receiver.origin}/hook?x=1`, secret: 'webhook-secret', ...changes }] })
  }
  beforeEach(async () => { receiver = await startProviderServer(() => ({ status: 204 })) })
  afterEach(async () => {
    await world.close()
    await receiver.close()
  })
  const bodies = (): readonly { readonly id: string, readonly type: string, readonly data: Record<string, unknown> }[] => receiver.requests.items.map(({ body }) => JSON.parse(body) as never)

  it('each fact is posted as it is, as a CloudEvent, signed as Standard Webhooks says', async () => {
    await open()
    const approval = await world.ask()
    await world.tell('approval.approved', { approval, by: ['bo'] })
    await world.deliver()
    assert.deepEqual(bodies().map(({ type }) => type).sort(), ['approval.approved', 'approval.requested'])
    assert.equal(bodies()[0]?.data['url'], `https://console.test/a/${approval}`)
    const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64')
    for (const { path, headers, body } of receiver.requests.items) {
      assert.equal(path, '/hook?x=1')
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
      assert.equal(timestamp, String(world.clock.now() / 1000))
      assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
    }
    assert.equal(new Set(receiver.requests.items.map(({ headers }) => headers['webhook-id'])).size, 2)
  })

  it('with a secret that is none nothing is sent', async () => {
    await open()
    world.secrets.set('webhook-secret', 'secret')
    await world.ask()
    await world.deliver()
    assert.equal(receiver.requests.items.length, 0)
    assert.match((await world.deliveries())[0]?.why ?? '', /webhook-secret is not whsec_/)
  })

  it('a second attempt has the same id and body, so that a receiver can tell it from a second fact', async () => {
    await open()
    receiver.next({ status: 500 })
    await world.ask()
    await world.deliver()
    world.clock.advance(60_000)
    await world.deliver()
    const [first, second] = receiver.requests.items
    assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id'])
    assert.equal(first?.body, second?.body)
    assert.notEqual(first?.headers['webhook-signature'], second?.headers['webhook-signature'])
    assert.deepEqual((await world.deliveries()).map(({ state }) => state), ['delivered'])
  })

  it('a redirect is not followed', async () => {
    await open()
    const elsewhere = await startProviderServer(() => ({ status: 204 }))
    receiver.next({ status: 307, headers: { location: `${elsewhere.origin}/hook` } })
    await world.ask()
    await world.deliver()
    assert.equal(elsewhere.requests.items.length, 0)
    assert.match((await world.deliveries())[0]?.why ?? '', /answered 307/)
    await elsewhere.close()
  })

  it('410 ends it, and a fact that nobody takes is given up after a day', async () => {
    await open()
    receiver.next({ status: 410 })
    const approval = await world.ask()
    await world.deliver()
    assert.deepEqual((await world.deliveries()).map(({ state, why }) => [state, why]), [['failed', 'the receiver answered 410']])
    receiver.next(...Array.from({ length: 200 }, () => ({ status: 503 })))
    await world.tell('approval.expired', { approval })
    for (let hour = 0; hour < 30 * 6; hour += 1) {
      await world.deliver()
      world.clock.advance(600_000)
    }
    const given = (await world.deliveries()).find(({ fact }) => fact === 'approval.expired')
    assert.equal(given?.state, 'failed')
    assert.match(given?.why ?? '', /given up after \d+ attempts: the receiver answered 503/)
    assert.ok(receiver.requests.items.length < 200, 'within bounds')
  })

  it('a fact comes once however often the bus delivers it', async () => {
    await open()
    const approval = await world.ask()
    const event = await world.tell('approval.denied', { approval, by: 'bo' }, 'fact-1')
    await world.receive(event)
    await world.receive(event)
    await world.deliver()
    assert.equal(receiver.requests.items.length, 2)
  })

  it('locks are told where the settings say so, and only there', async () => {
    await open()
    await world.receive(lockEvent({}, world.clock.now()))
    assert.equal(await world.deliver(), 0)
    await world.close()
    await open({ locks: true })
    await world.receive(lockEvent({}, world.clock.now()))
    await world.deliver()
    assert.deepEqual(bodies().map(({ type }) => type), ['lock.changed'])
  })

  it('invariant 3: what looks like a credential is struck out, and the secret is in no delivery or log', async () => {
    await open()
    receiver.next({ status: 400 })
    await world.ask({}, { statedReason: ['ya29', 'a0AfH6SMBsecretsecret'].join('.') })
    await world.deliver()
    assert.doesNotMatch(receiver.requests.items[0]?.body ?? '', /ya29\./)
    assert.doesNotMatch(JSON.stringify([world.logged, world.service.status(), (await world.deliveries()).map(({ why }) => why)]), /whsec_[A-Za-z0-9]/)
  })
})
