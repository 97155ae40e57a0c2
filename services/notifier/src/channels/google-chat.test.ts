import assert from 'node:assert/strict'
import { startChatServer, type ChatServer } from '@lockkeeper/testkit'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { lockEvent, openNotifier, type World } from '../../test/harness.ts'

describe('Google Chat', () => {
  let chat: ChatServer
  let world: World
  before(async () => { chat = await startChatServer() })
  after(() => chat.close())
  let seen = 0
  beforeEach(async () => {
    seen = chat.messages.items.length
    world = await openNotifier({ channels: [{ kind: 'googleChat', name: 'space', webhook: 'chat-webhook', locks: true }], secrets: { 'chat-webhook': chat.webhook } })
  })
  afterEach(async () => {
    await world.close()
    assert.deepEqual(chat.broken, [], 'the rules of cards')
  })
  const sent = () => chat.messages.items.slice(seen)

  it('a request becomes a card that links to its page and decides nothing', async () => {
    const approval = await world.ask()
    await world.deliver()
    const [message] = sent()
    const card = JSON.stringify(message?.card)
    assert.equal(message?.thread, approval)
    for (const part of ['SANDBOX Approval wanted', 'Delete bucket b', 'agent-7', 'medium: it changes', 'bucket = b', `https://console.test/a/${approval}`]) assert.ok(card.includes(part), part)
    assert.doesNotMatch(card, /"action"/)
  })

  it('how it was settled is a reply in the same thread, once; the steps between are not told', async () => {
    const approval = await world.ask()
    await world.deliver()
    for (const [type, data] of [['approval.approved', { by: ['bo'] }], ['approval.claimed', { fence: 'f', holder: 'p' }], ['approval.completed', { outcome: 'unknown', why: 'reset' }]] as const) {
      world.clock.advance(10)
      await world.tell(type, { approval, ...data })
      await world.deliver()
    }
    assert.deepEqual(sent().map(({ thread }) => thread), [approval, approval, approval])
    assert.match(JSON.stringify(sent()[1]?.card), /Approved by Bo/)
    assert.match(JSON.stringify(sent()[2]?.card), /whether it took effect cannot be known \(reset\).*Look at the resource/)
    assert.equal(await world.deliver(), 0)
  })

  it('a message that was sent and not heard of is not shown twice', async () => {
    await world.ask()
    chat.next('drop')
    await world.deliver()
    world.clock.advance(60_000)
    await world.deliver()
    assert.equal(sent().length, 1)
    const ids = chat.requests.items.slice(-2).map(({ path }) => new URL(path, chat.origin).searchParams.get('requestId'))
    assert.equal(ids[0], ids[1])
  })

  it('words of others are no markup, and the largest call stays below 32,000 bytes', async () => {
    await world.ask({}, { title: '<b>x</b>'.repeat(200), statedReason: '<a href="https://evil.test">ok</a>'.repeat(50), details: Array.from({ length: 40 }, () => '&<\u{1f600}'.repeat(75)), warnings: Array.from({ length: 10 }, () => '&'.repeat(300)) })
    await world.deliver()
    assert.equal(sent().length, 1)
    assert.doesNotMatch(JSON.stringify((sent()[0]?.card['sections'])), /<a|<b/)
  })

  it('locks are told where the settings say so', async () => {
    await world.receive(lockEvent({ state: 'lifted', scope: { kind: 'everything' } }, world.clock.now()))
    await world.deliver()
    assert.match(JSON.stringify(sent()[0]?.card), /Lock lifted/)
  })

  const WRONG: readonly (readonly [string, string])[] = [
    ['another host', 'https://evil.example/v1/spaces/AAAA/messages?key=canary'], ['the real one, in the sandbox', 'https://chat.googleapis.com/v1/spaces/AAAA/messages?key=canary'], ['no address', 'canary'],
  ]
  for (const [what, value] of WRONG) {
    it(`invariant 14: a webhook that is ${what} gets nothing, and is named without its value`, async () => {
      world.secrets.set('chat-webhook', value)
      await world.ask()
      await world.deliver()
      assert.equal(sent().length, 0)
      const told = JSON.stringify([await world.deliveries(), world.logged, world.service.status()])
      assert.match(told, /the secret chat-webhook is no webhook/)
      assert.doesNotMatch(told, /canary/)
    })
  }

  it('invariant 3: neither key nor token of the webhook is kept or logged when it fails', async () => {
    chat.next({ status: 500 }, 'drop')
    await world.ask()
    await world.deliver()
    world.clock.advance(60_000)
    await world.deliver()
    assert.doesNotMatch(JSON.stringify([await world.deliveries(), world.logged, world.service.status()]), /k-1|t-1/)
  })
})
