/** Events that a consumer gave up on, over the admin socket: listed with the reason, without credentials, and given back. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Delivery, Subscription } from '@lockkeeper/domain/ports'
import { adminRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { runCommand, type CommandResult } from '../testing/run-command.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

interface Letter { readonly id: string, readonly topic: string, readonly subscription: string, readonly error: string, readonly event: CloudEvent<string, { readonly n: number, readonly token: string }> }

const topic = 'scenario'
const TOKEN = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(20)}`
const event = (n: number): CloudEvent => ({ specversion: '1.0', id: `e${n}`, source: '/test', type: 'scenario.happened', time: '2026-11-24T10:00:00Z', datacontenttype: 'application/json', data: { n, token: TOKEN } })

describe('scenario: dead letters', () => {
  let test: TestGateway
  let admin: AdminServer
  let willing = false
  const got: Delivery[] = []
  const arrivals = new EventEmitter()
  const arrived = async (wanted: number): Promise<void> => {
    while (got.length < wanted) await once(arrivals, 'delivery')
  }
  const subscriptions: Subscription[] = []

  before(async () => {
    test = await startTestGateway()
    const { gateway, loaded } = test
    admin = await openAdminServer(join(gateway.directory, 'admin.sock'), adminRoutes(gateway, loaded, 'none'))
    for (const name of ['one', 'other']) {
      subscriptions.push(gateway.events.subscribe({ topic, name, maxDeliveries: 5 }, async (delivery) => {
        if (!willing) throw new Error(`${name} cannot take it`)
        got.push(delivery)
        arrivals.emit('delivery')
      }))
    }
    await gateway.events.publish(topic, [event(1), event(2)])
    while ((await gateway.events.deadLetters(10)).length < 4) await new Promise((resolve) => setTimeout(resolve, 20))
  })
  after(async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.close()))
    await admin.close()
    await test.close()
  })

  const lockkeeper = (...args: readonly string[]): Promise<CommandResult> => runCommand(['events', ...args], admin.path)
  const list = async (): Promise<readonly Letter[]> => JSON.parse((await lockkeeper('dead', '--json')).out) as readonly Letter[]

  it('are listed with event, consumer and reason', async () => {
    const { out, code } = await lockkeeper('dead')
    assert.equal(code, 0)
    assert.match(out, /dl_\d+ .*scenario\.happened .*one .*one cannot take it/)
    assert.equal((await list()).length, 4)
    assert.equal((JSON.parse((await lockkeeper('dead', '--json', '--limit', '1')).out) as readonly Letter[]).length, 1)
  })

  it('are shown without the tokens that they carry', async () => {
    const { out } = await lockkeeper('dead', '--json')
    assert.match(out, /struck out/)
    assert.doesNotMatch(out, /eyJ/)
  })

  it('a limit that is none, no id, and an id together with --all are refused', async () => {
    assert.equal((await lockkeeper('dead', '--limit', '0')).code, 1)
    assert.equal((await lockkeeper('dead', '--limit', 'many')).code, 1)
    for (const args of [['redrive'], ['redrive', 'dl_1', '--all'], ['redrive', 'dl_1', '--consumer', 'one']]) assert.equal((await lockkeeper(...args)).code, 2, args.join(' '))
    assert.equal((await lockkeeper('redrive', '../status')).code, 1)
  })

  it('one is given to its own consumer again, whole, and is a letter no more', async () => {
    willing = true
    const letter = (await list()).find(({ subscription, event: { data } }) => subscription === 'one' && data.n === 1)
    assert.ok(letter)
    const { out } = await lockkeeper('redrive', letter.id)
    assert.match(out, new RegExp(`redriven: ${letter.id}`))
    await arrived(1)
    assert.deepEqual(got[0]?.event, event(1))
    assert.equal((await list()).length, 3)
    const again = await lockkeeper('redrive', letter.id)
    assert.equal(again.code, 1)
    assert.match(again.err, /no dead letter/)
  })

  it('all are given back, of one consumer or of every one', async () => {
    const seen = got.length
    assert.match((await lockkeeper('redrive', '--all', '--consumer', 'one')).out, /redriven: 1\b/)
    assert.match((await lockkeeper('redrive', '--all')).out, /redriven: 2\b/)
    await arrived(seen + 3)
    assert.deepEqual(await list(), [])
    assert.match((await lockkeeper('redrive', '--all')).out, /redriven: 0\b/)
  })
})
