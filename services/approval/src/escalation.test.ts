import assert from 'node:assert/strict'
import { EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { deletion, PATTERN } from '../test/deletions.ts'
import { granted, openWorld, refusedWith, type Ask, type World } from '../test/harness.ts'

const MINUTE = 60_000
const TERMS = { reviewers: ['person:bo'], escalate: { afterMs: 10 * MINUTE, reviewers: ['person:cy', 'person:ana'] } }

describe('escalation', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())
  const raise = (changes: Ask = {}): Promise<AccessRequest> => world.raise({ terms: TERMS, ...changes })
  const sweepAll = async (): Promise<void> => { while (await world.service().sweep() > 0); }

  it('what nobody decides is put before more persons, once, whether anybody listens or not', async () => {
    const request = await raise()
    assert.equal(refusedWith(await world.decide(request, 'cy')), 'POLICY_DENIED')
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    const { escalatedAt, reviewers } = granted(await world.service().admin.show(request.id))
    assert.deepEqual([escalatedAt, [...reviewers].sort()], [world.clock.now(), ['bo', 'cy']])
    await sweepAll()
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'notifier-late' }, async ({ event }) => facts.add(event))
    const second = await raise()
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    await facts.until((all) => all.some(({ type, subject }) => type === 'approval.escalated' && subject === second.id))
    const told = facts.items.filter(({ type, subject }) => type === 'approval.escalated' && subject === second.id).map(({ data }) => data as { readonly to: readonly string[], readonly reviewers: readonly string[], readonly quorum: number })
    assert.deepEqual(told.map(({ to, reviewers: who, quorum }) => ({ to, who: [...who].sort(), quorum })), [{ to: TERMS.escalate.reviewers, who: ['bo', 'cy'], quorum: 1 }])
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    await subscription.close()
  })

  it('a decision at the moment of escalation counts, before the sweeper has been there', async () => {
    const request = await raise()
    world.clock.advance(10 * MINUTE - 1)
    assert.equal(refusedWith(await world.decide(request, 'cy')), 'POLICY_DENIED')
    world.clock.advance(1)
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
    granted(await world.claim(request))
  })

  it('invariant 6: escalation to the sponsor changes nothing for the sponsor', async () => {
    const request = await raise()
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    assert.equal(refusedWith(await world.decide(request, 'ana')), 'POLICY_DENIED')
  })

  it('invariant 11: escalation moves no end: an escalated request expires as it would have', async () => {
    const request = await raise({ terms: { ...TERMS, expiresMs: 12 * MINUTE } })
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    world.clock.advance(2 * MINUTE)
    assert.equal(refusedWith(await world.decide(request, 'cy')), 'APPROVAL_EXPIRED')
  })

  it('a request that ends before its escalation is not escalated', async () => {
    const request = await raise({ terms: { ...TERMS, expiresMs: 5 * MINUTE } })
    world.clock.advance(20 * MINUTE)
    await sweepAll()
    const { escalatedAt, approval } = granted(await world.service().admin.show(request.id))
    assert.deepEqual([escalatedAt, approval.state], [undefined, 'expired'])
  })

  it('what is decided in time is not escalated', async () => {
    const request = await raise()
    granted(await world.decide(request, 'bo'))
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    assert.equal(granted(await world.service().admin.show(request.id)).escalatedAt, undefined)
  })

  it('invariant 6: as many must approve after the escalation as before', async () => {
    const request = await raise({ terms: { ...TERMS, quorum: 2 } })
    granted(await world.decide(request, 'bo'))
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    assert.equal(await world.state(request), 'pending')
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
  })

  it('a quorum that only escalation can reach waits for it; one that not even escalation can reach is unroutable', async () => {
    assert.equal(await world.state(await raise({ terms: { ...TERMS, quorum: 2 } })), 'pending')
    assert.equal(refusedWith(await world.claim(await raise({ terms: { ...TERMS, quorum: 3 } }))), 'APPROVAL_UNROUTABLE')
  })

  it('escalation goes on over a restart', async () => {
    const request = await raise()
    await world.reopen()
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
  })

  it('a grant that was given after the escalation covers calls like it at once', async () => {
    const first = await raise({ call: deletion('first') })
    world.clock.advance(10 * MINUTE)
    await sweepAll()
    granted(await world.service().admin.decide(world.signed(first, 'cy', 'approve', { grant: PATTERN })))
    const use = await raise({ agent: first.agent, call: deletion('next') })
    assert.equal(await world.state(use), 'approved')
    granted(await world.claim(use))
  })
})
