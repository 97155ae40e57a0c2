import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { approvals, HEARTBEAT_ID, locks, type ApprovalDocument, type Heartbeat } from '@lockkeeper/domain/collections'
import { EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type WatchChange } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, person, requestedEvent, submittedEvent, QUIET, TERMINAL, type World } from '../test/harness.ts'
import { createApprovalService } from './service.ts'

describe('approval service', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  it('consumes requests and decisions from the bus, shows them to a watching proxy, and publishes what happened', async () => {
    const facts = collector<CloudEvent>()
    const views = collector<WatchChange<ApprovalDocument | Heartbeat>>()
    const { documents, events } = world.store()
    const subscription = events.subscribe({ topic: 'approvals', name: 'test-facts' }, async ({ event }) => facts.add(event))
    const watch = documents.watch(approvals, { name: 'live', equal: { live: true } }, (changes) => changes.forEach(views.add))
    await watch.ready
    await world.service().start()
    const request = world.ask()
    const state = (wanted: string) => views.until((seen) => seen.some(({ id, doc }) => id === request.id && doc?.data.kind === 'approval' && doc.data.state === wanted))
    await events.publish('access', [requestedEvent(request)])
    await state('pending')
    await events.publish('decisions', [submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now())])
    await state('approved')
    const { fence } = granted(await world.claim(request))
    await world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'answered', status: 200, delivered: true } })
    await state('answered')
    const types = (): string[] => facts.items.filter(({ subject }) => subject === request.id).map(({ type }) => type)
    await facts.until(() => types().length === 4)
    assert.deepEqual(types().sort(), ['approval.approved', 'approval.claimed', 'approval.completed', 'approval.requested'])
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    assert.equal(new Set(facts.items.map(({ id }) => id)).size, facts.items.length)
    await world.service().drain()
    watch.close()
    await subscription.close()
  })

  it('every kind of fact fits its schema', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-all-facts' }, async ({ event }) => facts.add(event))
    const denied = await world.raise()
    granted(await world.decide(denied, 'bo', 'deny', 'no'))
    const cancelled = await world.raise()
    granted(await world.service().admin.revoke({ id: cancelled.id, by: 'op', reason: 'r' }))
    await world.claimed()
    await world.raise()
    world.clock.advance(1_800_000)
    while (await world.service().sweep() > 0);
    await facts.until((all) => all.some(({ type }) => type === 'approval.expired') && all.some(({ type }) => type === 'approval.completed'))
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    assert.deepEqual([...new Set(facts.items.map(({ type }) => type))].sort(), ['approval.approved', 'approval.cancelled', 'approval.claimed', 'approval.completed', 'approval.denied', 'approval.expired', 'approval.requested'])
    await subscription.close()
  })

  it('invariant 11: a beat goes into both watched sets and counts up', async () => {
    const read = async () => (await world.store().documents.read<ApprovalDocument | Heartbeat | object>([{ collection: approvals, id: HEARTBEAT_ID }, { collection: locks, id: HEARTBEAT_ID }])).map((doc) => doc?.data as Heartbeat | undefined)
    await world.service().beat()
    const [before] = await read()
    world.clock.advance(1000)
    await world.service().beat()
    const after = await read()
    assert.deepEqual(after.map((each) => [each?.live, each?.at]), [[true, world.clock.now()], [true, world.clock.now()]])
    assert.equal(after[0]?.beat, (before?.beat ?? 0) + 1)
  })

  it('a case that was settled long ago leaves the watched set and its request is kept no longer', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo', 'deny', 'no'))
    world.clock.advance(3_600_000)
    while (await world.service().sweep() > 0);
    const { approval, card, summary } = granted(await world.service().admin.show(request.id))
    assert.deepEqual([approval.live, approval.state, card], [false, 'denied', undefined])
    assert.match(summary, /setIamPolicy on projects\/shop/)
  })

  it('invariant 13: what proxies see of an expired request says neither denied nor by whom', async () => {
    const request = await world.raise()
    world.clock.advance(1_800_000)
    await world.service().sweep()
    const { approval } = granted(await world.service().admin.show(request.id))
    assert.equal(approval.refusal, 'APPROVAL_EXPIRED')
    assert.doesNotMatch(JSON.stringify(approval), /den(?:y|ied|ial)/i)
  })

  it('a list pages through everything, newest first, and filters', async () => {
    const run = 'listed'
    for (let index = 0; index < 5; index += 1) {
      world.clock.advance(1)
      await world.raise({ agent: { run }, call: { path: `/p${index}` } })
    }
    const { admin } = world.service()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await admin.list({ limit: 2, state: 'pending', run, ...cursor === undefined ? {} : { cursor } })
      seen.push(...page.approvals.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== undefined)
    assert.equal(new Set(seen).size, 5)
    const { approvals: newest } = await admin.list({ run })
    assert.deepEqual(newest.map(({ id }) => id), seen)
  })

  it('a request past its end is listed as expired before the sweeper has been there', async () => {
    const request = await world.raise({ agent: { run: 'just-ended' } })
    world.clock.advance(1_800_000)
    const { approvals: [found] } = await world.service().admin.list({ run: 'just-ended' })
    assert.deepEqual([found?.id, found?.state], [request.id, 'expired'])
  })

  it('the service runs once at a time', async () => {
    await world.service().start()
    await assert.rejects(world.service().start(), TypeError)
    await world.service().drain()
  })

  it('invariant 10: a store that is out of reach is an outage, never an answer', async () => {
    const gone = async (): Promise<never> => { throw new PortUnavailable('down') }
    const down = createApprovalService({
      documents: { read: gone, transact: gone, query: gone, watch: () => { throw new PortUnavailable('down') } },
      events: world.store().events, blobs: world.blobs, clock: world.clock, people: world.people, receiptKey: Buffer.alloc(32, 7),
      terminalKeys: [{ publicKey: TERMINAL.publicKey, persons: [person('bo')] }], log: QUIET,
    }, { mode: 'sandbox' })
    const request = world.ask()
    const { id: approval, attach, decision } = request
    await assert.rejects(down.api.claim({ approval, attach, decisionHash: decision.hash, holder: 'h' }), PortUnavailable)
    await assert.rejects(down.api.complete({ approval, fence: 'f', outcome: { kind: 'unknown', why: 'w' } }), PortUnavailable)
    await assert.rejects(down.api.receipt({ approval, attach }), PortUnavailable)
    await assert.rejects(down.admin.decide(world.signed(request, 'bo', 'approve')), PortUnavailable)
    await assert.rejects(down.start(), PortUnavailable)
  })
})

describe('approval settings', () => {
  const ports = { receiptKey: Buffer.alloc(32), terminalKeys: [] } as unknown as Parameters<typeof createApprovalService>[0]
  const WRONG: readonly (readonly [string, object])[] = [
    ['no mode', {}], ['an unknown mode', { mode: 'test' }], ['an unknown name', { mode: 'real', hold: 1 }], ['self-approval in real mode', { mode: 'real', selfApproval: true }],
    ['a cap of none', { mode: 'real', pendingPerAgent: 0 }], ['a claim that ends before its dial', { mode: 'real', dialByMs: 5000, claimTimeoutMs: 4000 }], ['an endless window', { mode: 'real', receiptWindows: { deliveredMs: 1e12 } }],
  ]
  for (const [what, settings] of WRONG) {
    it(`settings with ${what} stop the start`, () => assert.throws(() => createApprovalService(ports, settings as never), TypeError))
  }

  it('every wrong setting is named at once', () => {
    assert.throws(() => createApprovalService(ports, { mode: 'real', dialByMs: 0, pendingPerAgent: 0 }), /dialByMs.*pendingPerAgent|pendingPerAgent.*dialByMs/)
  })

  const KEYS: readonly (readonly [string, 'sandbox' | 'real', () => { publicKey: KeyObject, persons: ReturnType<typeof person>[] }])[] = [
    ['a private key', 'sandbox', () => ({ publicKey: TERMINAL.privateKey, persons: [] })],
    ['an RSA key', 'sandbox', () => ({ publicKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, persons: [] })],
    ['a shared secret', 'sandbox', () => ({ publicKey: createSecretKey(Buffer.alloc(32)), persons: [] })],
    ['one key for two persons in real mode', 'real', () => ({ publicKey: TERMINAL.publicKey, persons: [person('bo'), person('cy')] })],
  ]
  for (const [what, mode, key] of KEYS) {
    it(`invariant 7: ${what} is no terminal key`, () => assert.throws(() => createApprovalService({ ...ports, clock: { now: () => 0 }, terminalKeys: [key()] } as never, { mode }), /terminal key/))
  }

  it('invariant 14: self-approval works in the sandbox only when it is asked for', async () => {
    const open = await openWorld({ selfApproval: true })
    const request = await open.raise({ agent: { sponsor: 'ana' } })
    assert.equal(granted(await open.decide(request, 'ana')).state, 'approved')
    granted(await open.claim(request))
    await open.close()
  })

  it('a receipt key of another length is our own mistake', () => {
    const short = { ...ports, documents: {}, events: {}, clock: { now: () => 0 }, receiptKey: Buffer.alloc(16) } as unknown as Parameters<typeof createApprovalService>[0]
    assert.throws(() => createApprovalService(short, { mode: 'real' }), TypeError)
  })
})
