import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import express from 'express'
import { cloudEvent } from '@lockkeeper/domain/events'
import { startProviderServer, startSlackServer, type ProviderServer, type SlackServer } from '@lockkeeper/testkit'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { BOT_TOKEN, factEvent, lockEvent, openNotifier, type World } from '../test/harness.ts'
import { backoffMs, retryAfterMs } from './backoff.ts'
import { MOST_OPEN } from './intake.ts'
import { openCallbackServer, type DeliveryPage } from './service.ts'

describe('the notifier', () => {
  let slack: SlackServer
  let receiver: ProviderServer
  let world: World
  beforeEach(async () => {
    [slack, receiver] = await Promise.all([startSlackServer(BOT_TOKEN), startProviderServer(() => ({ status: 204 }))])
    world = await openNotifier({ channels: [
      { kind: 'slack', name: 'oncall', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack.apiUrl }, { kind: 'webhook', name: 'siem', url: receiver.origin, secret: 'webhook-secret', reviewers: ['group:oncall'] },
    ] })
  })
  afterEach(async () => {
    await world.close()
    await Promise.all([slack.close(), receiver.close()])
  })
  const states = async (): Promise<readonly string[]> => (await world.deliveries()).map(({ channel, state }) => `${channel} ${state}`).sort()

  it('a channel that is down delays no other, and is tried again until it is up', async () => {
    slack.next('drop', { status: 503 }, 'drop')
    await world.ask()
    await world.service.deliver()
    assert.equal(receiver.requests.items.length, 1)
    assert.deepEqual(await states(), ['oncall waiting', 'siem delivered'])
    const [down] = world.service.status()
    assert.equal(down?.name, 'oncall')
    assert.match(down?.problem ?? '', /ECONNRESET|socket hang up/)
    for (let tries = 0; tries < 4; tries += 1) {
      world.clock.advance(20_000)
      await world.deliver()
    }
    assert.deepEqual(await states(), ['oncall delivered', 'siem delivered'])
    assert.deepEqual(world.service.status().map(({ name, sent, retried, failed, problem }) => [name, sent, retried, failed, problem]), [['oncall', 1, 3, 0, undefined], ['siem', 1, 0, 0, undefined]])
  })

  it('a request that was settled while a channel was down is told there no more', async () => {
    slack.next('drop')
    const approval = await world.ask()
    await world.service.deliver()
    await world.tell('approval.denied', { approval, by: 'bo' })
    world.clock.advance(120_000)
    await world.deliver()
    assert.equal(slack.messages.items.length, 0)
    assert.deepEqual((await world.deliveries()).filter(({ channel }) => channel === 'oncall').map(({ state, why }) => [state, why]), [['dropped', 'it was settled before anybody could be told']])
  })

  it('nothing is told of a request after its end', async () => {
    slack.next(...Array.from({ length: 50 }, () => 'drop' as const))
    await world.ask({ expiresAt: world.clock.now() + 60_000 })
    for (let tries = 0; tries < 20; tries += 1) {
      await world.service.deliver()
      world.clock.advance(10_000)
    }
    const [given] = (await world.deliveries()).filter(({ channel }) => channel === 'oncall')
    assert.equal(given?.state, 'failed')
    assert.match(given?.why ?? '', /given up after \d+ attempts/)
  })

  it('a request whose end has passed when its fact comes is told to nobody', async () => {
    await world.ask({ expiresAt: world.clock.now() })
    await world.deliver()
    assert.equal(slack.messages.items.length, 0)
    assert.ok((await states()).includes('oncall dropped'))
  })

  it('a fact that comes twice makes one message, and so do facts of a restarted bus', async () => {
    const event = factEvent('approval.requested', { approval: 'apr_twice', reviewers: ['bo'], quorum: 1, summary: 's' }, world.clock.now())
    await Promise.all([world.receive(event), world.receive(event)])
    await world.receive(event)
    await world.receive({ ...event, id: 'another-id-of-the-same-fact' })
    await world.deliver()
    assert.equal(slack.messages.items.length, 1)
  })

  it('facts that come in the wrong order make the same messages', async () => {
    const asked = factEvent('approval.requested', { approval: 'apr_late', reviewers: ['bo'], quorum: 1, summary: 's' }, world.clock.now())
    world.clock.advance(1000)
    await world.tell('approval.denied', { approval: 'apr_late', by: 'bo' })
    await world.receive(asked)
    await world.deliver()
    assert.equal(slack.messages.items.length, 0, 'what is settled already is not asked for')
  })

  it('facts of one request at the same time lose nothing', async () => {
    const approval = await world.ask()
    await world.deliver()
    const facts = [['approval.approved', { by: ['bo'] }, 1], ['approval.claimed', { fence: 'f', holder: 'h' }, 2], ['approval.completed', { outcome: 'answered', status: 200 }, 3]] as const
    await Promise.all(facts.map(([type, data, after]) => world.receive(factEvent(type, { approval, ...data }, world.clock.now() + after))))
    await world.deliver()
    assert.match(JSON.stringify(slack.messages.items.at(-1)?.blocks), /Done at/)
  })

  it('when a request is escalated, those who may decide now are told, and what was told before says so', async () => {
    await world.close()
    world = await openNotifier({ channels: ['bo', 'cy'].map((id) => ({ kind: 'slack', name: `for-${id}`, token: 'slack-token', channel: `C0${id.toUpperCase()}`, apiUrl: slack.apiUrl, reviewers: [`person:${id}`] })) })
    const approval = await world.ask({ reviewers: ['bo'] })
    await world.deliver()
    assert.deepEqual(slack.messages.items.map(({ channel }) => channel), ['C0BO'])
    await world.tell('approval.escalated', { approval, reviewers: ['bo', 'cy'], to: ['group:leads'], quorum: 1, summary: 's' })
    await world.deliver()
    assert.deepEqual(slack.messages.items.map(({ channel, version }) => `${channel} ${version}`).sort(), ['C0BO 1', 'C0BO 2', 'C0CY 1'])
    assert.match(JSON.stringify(slack.messages.items.at(-1)?.blocks), /Nobody decided in time: group:leads may decide too/)
  })

  it('break-glass is told loudly: the request says so, and the review is a message of its own until somebody closes it', async () => {
    const approval = await world.ask()
    await world.deliver()
    await world.tell('approval.approved', { approval, by: ['bo'], breakGlass: true })
    await world.tell('review.opened', { approval, review: 'rev_1', by: ['bo'], reason: 'the site is down', summary: 'storage.buckets.delete on b' })
    await world.deliver()
    const shown = (): readonly string[] => [...new Map(slack.messages.items.map(({ ts, blocks }) => [ts, JSON.stringify(blocks)])).values()]
    assert.match(shown()[0] ?? '', /Approved by Bo by break-glass/)
    assert.match(shown()[1] ?? '', /a review is wanted.*By: Bo.*the site is down.*Another person has to look/)
    await world.tell('review.closed', { approval, review: 'rev_1', by: 'cy', note: 'it was right' })
    await world.deliver()
    assert.match(shown()[1] ?? '', /Closed by Cy: it was right/)
    assert.equal(shown().length, 2)
    assert.deepEqual(receiver.requests.items.map(({ body }) => (JSON.parse(body) as { readonly type: string }).type).sort(), ['approval.approved', 'approval.requested', 'review.closed', 'review.opened'])
  })

  it('two notifiers over one store send each message once', async () => {
    for (let count = 0; count < 10; count += 1) await world.ask()
    const other = world.another()
    await Promise.all([world.service.deliver(), other.deliver(), world.service.deliver(), other.deliver()])
    await world.deliver()
    assert.equal(slack.messages.items.length, 10)
    assert.equal(receiver.requests.items.length, 10)
  })

  it('an attempt that was left behind by a crash is taken over after a minute', async () => {
    await world.ask()
    const { deliveries: collection } = await import('./collections.ts')
    const [left] = (await world.deliveries()).filter(({ channel }) => channel === 'oncall')
    assert.ok(left !== undefined)
    const ref = { collection, id: left.id }
    await world.store.documents.transact([ref], (_docs, now) => ({ writes: [{ kind: 'put', ref, data: { ...left, lease: 'of-the-dead', dueAt: now + 60_000 } }], facts: [], result: undefined }))
    await world.deliver()
    assert.equal(slack.messages.items.length, 0)
    world.clock.advance(60_001)
    await world.deliver()
    assert.equal(slack.messages.items.length, 1)
  })

  it('a channel\'s queue is bounded: what comes on top is dropped and can be seen', async () => {
    slack.next(...Array.from({ length: 40 }, () => 'drop' as const))
    for (let count = 0; count < MOST_OPEN.ask + 3; count += 1) await world.ask()
    const found = (await world.deliveries()).filter(({ channel }) => channel === 'oncall')
    assert.equal(found.filter(({ state }) => state === 'dropped').length, 3)
    assert.ok(world.logged.some((line) => line.includes('too many wait for this channel')))
  }).timeout(20_000)

  it('driven by the bus alone: a fact that is published is told, and its end too', async () => {
    await world.service.start()
    const { events } = world.store
    await events.publish('approvals', [factEvent('approval.requested', { approval: 'apr_bus', reviewers: ['bo'], quorum: 1, summary: 's' }, world.clock.now())])
    await slack.messages.count(1)
    await events.publish('approvals', [factEvent('approval.expired', { approval: 'apr_bus' }, world.clock.now() + 1)])
    await slack.messages.count(2)
    assert.match(JSON.stringify(slack.messages.items.at(-1)?.blocks), /Expired/)
    await events.publish('locks', [lockEvent({}, world.clock.now())])
    await world.service.drain()
  })

  it('what is no fact of ours is dropped and said so, and keeps nothing else from being told', async () => {
    await world.receive(cloudEvent('approval.requested', '/approval', 'broken', world.clock.now(), { approval: 'apr_x' }))
    await world.receive(factEvent('approval.expired', { approval: '../x' }, world.clock.now()))
    await world.receive({ ...lockEvent({}, world.clock.now()), time: 'yesterday' })
    await world.receive(cloudEvent('record.batch', '/proxy', 'other', world.clock.now(), {}))
    assert.equal(await world.deliver(), 0)
    assert.equal(world.logged.filter((line) => line.includes('does not hold what its type says')).length, 3)
  })

  it('GET /v1/deliveries tells what was sent, what is late and why, and gives no ref away', async () => {
    slack.next({ status: 500 })
    const approval = await world.ask()
    await world.service.deliver()
    const server = await openCallbackServer(express.Router().use(world.service.routes), { address: '127.0.0.1', port: 0 })
    const get = async (query: string): Promise<{ readonly status: number, readonly page: DeliveryPage }> => {
      const response = await fetch(`${server.origin}/v1/deliveries${query}`)
      return { status: response.status, page: await response.json() as DeliveryPage }
    }
    const { page } = await get(`?subject=${approval}`)
    assert.deepEqual(page.deliveries.map(({ channel, state, why }) => [channel, state, why]).sort(), [['oncall', 'waiting', 'Slack answered 500'], ['siem', 'delivered', undefined]])
    assert.deepEqual(page.channels.map(({ name, sent }) => [name, sent]), [['oncall', 0], ['siem', 1]])
    assert.equal((await get('?state=waiting')).page.deliveries.length, 1)
    assert.equal((await get('?limit=1')).page.deliveries.length, 1)
    assert.equal((await get('?state=lost')).status, 400)
    const refs = (await world.deliveries()).map(({ ref }) => ref.split('.')[1] ?? '')
    for (const ref of refs) assert.equal(JSON.stringify((await get('')).page).includes(ref), false)
    await server.close()
  })

  it('what a call holds is not kept once everybody has been told', async () => {
    await world.ask({}, { details: ['body canary-body'] })
    await world.deliver()
    assert.doesNotMatch(JSON.stringify(await world.deliveries()), /canary-body/)
    assert.match(JSON.stringify(slack.messages.items), /canary-body/)
    assert.match(receiver.requests.items[0]?.body ?? '', /canary-body/)
  })

  it('invariant 3: no token and no secret of a channel is in the store', async () => {
    await world.ask()
    await world.deliver()
    await world.store.close()
    for (const file of readdirSync(world.dir)) assert.equal(readFileSync(`${world.dir}/${file}`).includes(BOT_TOKEN), false, file)
  })
})

describe('when a message is tried again', () => {
  it('later each time, between one second and ten minutes, and never all at once', () => {
    assert.deepEqual([1, 2, 3, 10, 99].map((attempts) => backoffMs(attempts, () => 0)), [500, 1000, 2000, 256_000, 300_000])
    assert.deepEqual([1, 2, 99].map((attempts) => backoffMs(attempts, () => 0.999)), [999, 1999, 599_700])
  })

  it('not before the provider allows it, and within an hour whatever it says', () => {
    assert.ok(backoffMs(1, () => 0, 30_000) >= 30_000)
    assert.ok(backoffMs(1, () => 0.9, 1e12) <= 3_601_000)
    const now = Date.UTC(2026, 0, 1)
    assert.deepEqual([undefined, '7', ' 7 ', 'Thu, 01 Jan 2026 00:01:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', '-1', '99999999999'].map((header) => retryAfterMs(header, now)), [undefined, 7000, 7000, 60_000, 0, undefined, undefined, undefined])
  })
})
