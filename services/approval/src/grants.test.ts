import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { EVENT_DATA, type CloudEvent, type EventData } from '@lockkeeper/domain/events'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { deleteMore, deletion, giveGrant, HOUR, PATTERN } from '../test/deletions.ts'
import { disable, granted, openWorld, person, refusedWith, requestedEvent, submittedEvent, type Ask, type World } from '../test/harness.ts'

const MINUTE = 60_000
const answered = { kind: 'answered', status: 204, delivered: false, answer: { status: 204, headers: [], body: new Uint8Array() } } as const

describe('grants of patterns', () => {
  let world: World
  let agents = 0
  const anew = (): { readonly id: string } => ({ id: `agent-${++agents}` })
  before(async () => { world = await openWorld() })
  after(() => world.close())

  it('a call of the pattern runs once without anyone being asked, and its record names grant and use', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-grants' }, async ({ event }) => facts.add(event))
    const given = await giveGrant(world, anew())
    const second = await deleteMore(world, given, 'second')
    assert.equal(await world.state(second), 'approved')
    const { fence } = granted(await world.claim(second))
    assert.equal(refusedWith(await world.claim(second)), 'APPROVAL_PENDING')
    assert.equal(await world.service().api.complete({ approval: second.id, fence, outcome: answered }), undefined)
    granted(await world.service().api.receipt({ approval: second.id, attach: second.attach }))
    await facts.until((all) => all.some(({ type, subject }) => type === 'approval.completed' && subject === second.id))
    assert.deepEqual(facts.items.filter(({ subject }) => subject === second.id).map(({ type }) => type), ['approval.approved', 'approval.claimed', 'approval.completed'])
    const approved = facts.items.find(({ type, subject }) => type === 'approval.approved' && subject === second.id)?.data
    assert.deepEqual({ ...approved as object, expiresAt: 0 }, {
      approval: second.id, agent: given.agent.id, run: given.agent.run, method: 'storage.objects.delete', resources: second.call.resources, mode: 'sandbox', expiresAt: 0, by: ['bo'], grant: { id: given.grant, use: 1 },
    })
    assert.ok(facts.items.some(({ type, subject }) => type === 'grant.created' && subject === given.grant))
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    await subscription.close()
  })

  it('invariant 5: of thirty calls at once under a grant for five, five run and the others wait for a person', async () => {
    const given = await giveGrant(world, anew())
    const asks = Array.from({ length: 30 }, (_, index) => world.ask({ agent: given.agent, call: deletion(`o${index}`) }))
    await Promise.all(asks.map((request) => world.deliver(requestedEvent(request))))
    const states = await Promise.all(asks.map((request) => world.state(request)))
    assert.deepEqual([states.filter((state) => state === 'approved').length, states.filter((state) => state === 'pending').length], [5, 25])
    const { grant, uses } = granted(await world.service().admin.showGrant(given.grant))
    assert.deepEqual([grant.state, grant.used, new Set(uses.map(({ approval }) => approval)).size], ['used', 5, 5])
  })

  it('invariant 5: the same call sent again under a grant takes no second use and is not dialled again', async () => {
    const given = await giveGrant(world, anew())
    const call = await deleteMore(world, given, 'twice')
    const again = await deleteMore(world, given, 'twice')
    granted(await world.claim(call))
    assert.equal(refusedWith(await world.claim(again)), 'APPROVAL_PENDING')
    assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.used, 1)
  })

  it('invariant 11: after a revocation nothing is claimed under the grant on any instance, not even what was approved before', async () => {
    const given = await giveGrant(world, anew())
    const [ready, running] = [await deleteMore(world, given, 'ready'), await deleteMore(world, given, 'running')]
    const { fence } = granted(await world.claim(running))
    const revoked = granted(await world.service().admin.revokeGrant({ id: given.grant, by: 'op', reason: 'enough' }))
    assert.deepEqual([revoked.state, revoked.used], ['revoked', 2])
    const refused = await world.claim(ready)
    assert.equal(refusedWith(refused), 'STATE_CHANGED')
    assert.match(isRefusal(refused) ? refused.message : '', new RegExp(`The grant ${given.grant} was revoked`))
    assert.equal(await world.state(ready), 'cancelled')
    assert.equal(await world.service().api.complete({ approval: running.id, fence, outcome: answered }), undefined, 'what runs already is told as it ended')
    assert.equal(await world.state(await deleteMore(world, given, 'later')), 'pending')
    assert.equal(granted(await world.service().admin.revokeGrant({ id: given.grant, by: 'other', reason: 'again' })).revoked?.by, 'op')
  })

  it('invariant 11: a claim and a revocation at the same moment: either the claim was first or it is refused', async () => {
    for (let round = 0; round < 10; round += 1) {
      const given = await giveGrant(world, anew())
      const use = await deleteMore(world, given, 'race')
      const [claim] = await Promise.all([world.claim(use), world.service().admin.revokeGrant({ id: given.grant, by: 'op', reason: 'r' })])
      assert.equal(await world.state(use), isRefusal(claim) ? 'cancelled' : 'claimed')
    }
  })

  it('invariant 11: a grant ends at its end, and what it has approved with it', async () => {
    const given = await giveGrant(world, anew(), { pattern: { forMs: 10 * MINUTE } })
    world.clock.advance(9 * MINUTE)
    const use = await deleteMore(world, given, 'late')
    assert.equal(await world.state(use), 'approved')
    world.clock.advance(MINUTE)
    assert.equal(refusedWith(await world.claim(use)), 'APPROVAL_EXPIRED')
    assert.equal(await world.state(await deleteMore(world, given, 'too-late')), 'pending')
    assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.state, 'ended')
  })

  it('the end of a grant is told once: when its last call was let through, or when its time is over', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-ends' }, async ({ event }) => facts.add(event))
    const [used, over, revoked] = [await giveGrant(world, anew(), { pattern: { uses: 2 } }), await giveGrant(world, anew(), { pattern: { forMs: 10 * MINUTE } }), await giveGrant(world, anew(), { pattern: { forMs: 10 * MINUTE } })]
    for (const name of ['one', 'two', 'three']) await deleteMore(world, used, name)
    await deleteMore(world, over, 'one')
    granted(await world.service().admin.revokeGrant({ id: revoked.grant, by: 'op', reason: 'r' }))
    world.clock.advance(10 * MINUTE)
    await world.service().sweep()
    await world.service().sweep()
    const last = await giveGrant(world, anew())
    await facts.until((all) => all.some(({ type, subject }) => type === 'grant.created' && subject === last.grant))
    const ends = facts.items.filter(({ type }) => type === 'grant.ended')
    assert.deepEqual(ends.map(({ subject, data }) => [subject, (data as EventData<'grant.ended'>).why, (data as EventData<'grant.ended'>).calls]).filter(([subject]) => [used.grant, over.grant, revoked.grant].includes(subject as string)), [[used.grant, 'used', 2], [over.grant, 'expired', 1]])
    for (const { data } of ends) EVENT_DATA['grant.ended'].parse(data)
    await subscription.close()
  })

  const OTHERS: readonly (readonly [string, (agent: AccessRequest['agent']) => Ask])[] = [
    ['another rule or other obligations', () => ({ hash: 'rule-2' })],
    ['another agent', (agent) => ({ agent: { ...agent, id: 'somebody' } })],
    ['an agent of another issuer', (agent) => ({ agent: { ...agent, issuer: 'other' } })],
    ['another sponsor', (agent) => ({ agent: { ...agent, sponsor: 'di', sponsorPerson: person('di') } })],
    ['a sub-agent in between', (agent) => ({ agent: { ...agent, chain: [{ subject: 'helper' }] } })],
    ['another method', () => ({ call: deletion('x', { method: 'storage.objects.update' }) })],
    ['another verb', () => ({ call: deletion('x', { verb: 'POST' }) })],
    ['another target', () => ({ call: deletion('x', { target: 'other' }) })],
    ['another host', () => ({ call: deletion('x', { host: 'storage.mtls.googleapis.com' }) })],
    ['another bucket', () => ({ call: deletion('x', { resources: ['//storage.googleapis.com/projects/_/buckets/prod/objects/x'] }) })],
    ['an argument that nobody saw', () => ({ call: deletion('x', { arguments: { bucket: 'tmp', object: 'x', generation: '7' } }) })],
  ]
  for (const [what, change] of OTHERS) {
    it(`invariant 4: a call with ${what} is no use of the grant and waits for a person`, async () => {
      const given = await giveGrant(world, anew())
      const other = await deleteMore(world, given, 'x', change(given.agent))
      assert.equal(await world.state(other), 'pending')
      assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.used, 0)
    })
  }

  it('a grant for one run is of no use in another, and one without that bound is', async () => {
    const [bound, free] = [await giveGrant(world, anew(), { pattern: { run: true } }), await giveGrant(world, anew())]
    const elsewhere = (given: typeof bound) => deleteMore(world, given, 'x', { agent: { ...given.agent, run: 'another' } })
    assert.equal(await world.state(await elsewhere(bound)), 'pending')
    assert.equal(await world.state(await deleteMore(world, bound, 'x')), 'approved')
    assert.equal(await world.state(await elsewhere(free)), 'approved')
  })

  it('invariant 6: an approver who is disabled takes their grants along, also what was approved already', async () => {
    world.people.persons.push({ id: person('eve'), name: 'eve', groups: ['approvers'], identities: [] })
    const first = await world.raise({ agent: anew(), call: deletion('first') })
    granted(await world.service().admin.decide(world.signed(first, 'eve', 'approve', { grant: PATTERN })))
    const use = await deleteMore(world, first, 'use')
    assert.equal(await world.state(use), 'approved')
    disable(world.people, 'eve')
    assert.equal(refusedWith(await world.claim(use)), 'STATE_CHANGED')
    assert.equal(await world.state(await deleteMore(world, first, 'later')), 'pending')
  })

  it('invariant 6: of a quorum all must have approved the same pattern, or the call alone is approved', async () => {
    const terms = { quorum: 2 }
    const decide = (request: AccessRequest, who: string, uses: number | undefined) => world.service().admin.decide(world.signed(request, who, 'approve', uses === undefined ? {} : { grant: { ...PATTERN, uses } }))
    for (const [first, second, given] of [[5, 5, true], [5, 6, false], [5, undefined, false], [undefined, 5, false]] as const) {
      const request = await world.raise({ agent: anew(), call: deletion('first'), terms })
      assert.equal(granted(await decide(request, 'bo', first)).state, 'pending')
      const decided = granted(await decide(request, 'cy', second))
      assert.deepEqual([decided.state, decided.grant !== undefined], ['approved', given])
      assert.equal(await world.state(await deleteMore(world, request, 'more', { terms })), given ? 'approved' : 'pending')
    }
  })

  const BOUNDS: readonly (readonly [string, Parameters<typeof giveGrant>[2], string])[] = [
    ['a rule that lets no pattern through', { terms: { patterns: false } }, 'POLICY_DENIED'],
    ['a call of class critical', { call: deletion('first', { risk: 'critical' }) }, 'POLICY_DENIED'],
    ['a call of class critical whose rule lets patterns of those through', { call: deletion('first', { risk: 'critical' }), terms: { patterns: { maxUses: 5, maxForMs: HOUR, critical: true } } }, 'not refused'],
    ['more uses than the default', { pattern: { uses: 21 } }, 'POLICY_DENIED'],
    ['more uses than the rule has', { terms: { patterns: { maxUses: 4, maxForMs: HOUR, critical: false } } }, 'POLICY_DENIED'],
    ['a longer time than the default', { pattern: { forMs: 8 * HOUR + 1 } }, 'POLICY_DENIED'],
    ['a longer time than the rule has', { terms: { patterns: { maxUses: 5, maxForMs: HOUR - 1, critical: false } } }, 'POLICY_DENIED'],
    ['a pattern that does not fit the call', { pattern: { resources: ['//storage.googleapis.com/projects/_/buckets/other/**'] } }, 'REQUEST_INVALID'],
  ]
  for (const [what, { pattern, terms, call = deletion('first') } = {}, reason] of BOUNDS) {
    it(`a pattern for ${what}: ${reason}, and the call alone can still be approved`, async () => {
      const request = await world.raise({ agent: anew(), call, ...terms === undefined ? {} : { terms } })
      assert.equal(refusedWith(await world.service().admin.decide(world.signed(request, 'bo', 'approve', { grant: { ...PATTERN, ...pattern } }))), reason)
      if (reason === 'not refused') return
      assert.equal(await world.state(request), 'pending')
      world.clock.advance(1)
      assert.equal(granted(await world.decide(request, 'bo')).state, 'approved')
    })
  }

  it('calls that wait already and are of the pattern run with it, oldest first, and others go on waiting', async () => {
    const agent = { ...anew(), run: 'waiting' }
    const first = await world.raise({ agent, call: deletion('w0') })
    const waiting: AccessRequest[] = []
    for (let index = 1; index <= 7; index += 1) {
      world.clock.advance(1)
      waiting.push(await world.raise({ agent: first.agent, call: deletion(`w${index}`) }))
    }
    const foreign = await world.raise({ agent: first.agent, call: deletion('x', { arguments: { bucket: 'tmp', object: 'x', generation: '7' } }) })
    granted(await world.service().admin.decide(world.signed(first, 'bo', 'approve', { grant: PATTERN })))
    assert.deepEqual(await Promise.all(waiting.map((request) => world.state(request))), ['approved', 'approved', 'approved', 'approved', 'approved', 'pending', 'pending'])
    assert.equal(await world.state(foreign), 'pending')
  })

  it('invariant 11: a lock stops the uses of a grant', async () => {
    const given = await giveGrant(world, anew())
    const use = await deleteMore(world, given, 'use')
    granted(await world.service().admin.setLock({ scope: { kind: 'agent', agent: given.agent.id }, reason: 'odd', by: 'op' }))
    assert.equal(refusedWith(await world.claim(use)), 'AGENT_LOCKED')
    assert.equal(refusedWith(await world.claim(await deleteMore(world, given, 'more'))), 'AGENT_LOCKED')
  })

  it('invariant 5: a use whose end is unknown is never run again by itself, and later uses are not held up by it', async () => {
    const given = await giveGrant(world, anew())
    const use = await deleteMore(world, given, 'gone')
    const { fence } = granted(await world.claim(use))
    await world.service().api.complete({ approval: use.id, fence, outcome: { kind: 'unknown', why: 'reset' } })
    assert.equal(refusedWith(await world.claim(use)), 'OUTCOME_UNKNOWN')
    assert.equal(await world.state(await deleteMore(world, given, 'next')), 'approved')
  })

  it('who denies the call that a grant was given with, before it ran, ends the grant; who revokes it, too', async () => {
    const [denied, revoked, ran] = [await giveGrant(world, anew()), await giveGrant(world, anew()), await giveGrant(world, anew())]
    const ready = await deleteMore(world, denied, 'ready')
    granted(await world.decide(denied.first, 'cy', 'deny', 'not like this'))
    granted(await world.service().admin.revoke({ id: revoked.first.id, by: 'op', reason: 'by mistake' }))
    assert.equal(refusedWith(await world.claim(ready)), 'STATE_CHANGED')
    for (const given of [denied, revoked]) {
      assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.state, 'revoked')
      assert.equal(await world.state(await deleteMore(world, given, 'later')), 'pending')
    }
    const { fence } = granted(await world.claim(ran.first))
    await world.service().api.complete({ approval: ran.first.id, fence, outcome: answered })
    granted(await world.service().admin.revoke({ id: ran.first.id, by: 'op', reason: 'the stored answer' }))
    assert.equal(granted(await world.service().admin.showGrant(ran.grant)).grant.state, 'live')
  })

  it('a denial from the bus ends the grant like one that is given here', async () => {
    const given = await giveGrant(world, anew())
    await world.deliver(submittedEvent(world.signed(given.first, 'cy', 'deny', { reason: 'no' }), world.clock.now()))
    assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.state, 'revoked')
  })

  it('a reviewer may take back one use before it is run', async () => {
    const given = await giveGrant(world, anew())
    const use = await deleteMore(world, given, 'not-this')
    assert.equal(granted(await world.decide(use, 'cy', 'deny', 'not this one')).state, 'denied')
    assert.equal(refusedWith(await world.claim(use)), 'APPROVAL_DENIED')
  })

  it('grants are listed with what is left of them, and those that are over only when asked for', async () => {
    const given = await giveGrant(world, anew())
    await deleteMore(world, given, 'one')
    const mine = async (all: boolean) => (await world.service().admin.listGrants({ all, limit: 200 })).grants.find(({ id }) => id === given.grant)
    const { state, used, pattern, by, method } = await mine(false) ?? assert.fail('it is not listed')
    assert.deepEqual({ state, used, uses: pattern.uses, by, method }, { state: 'live', used: 1, uses: 5, by: ['bo'], method: 'storage.objects.delete' })
    await world.service().admin.revokeGrant({ id: given.grant, by: 'op', reason: 'r' })
    assert.deepEqual([await mine(false), (await mine(true))?.state], [undefined, 'revoked'])
  })

  for (const id of ['', 'grt_', 'apr_abc', '../x', '__proto__', `grt_${'a'.repeat(5000)}`]) {
    it(`a grant called ${JSON.stringify(id.slice(0, 20))} is none`, async () => {
      assert.equal(refusedWith(await world.service().admin.showGrant(id)), 'NOT_FOUND')
      assert.equal(refusedWith(await world.service().admin.revokeGrant({ id, by: 'op', reason: 'r' })), 'NOT_FOUND')
    })
  }

  it('grants and their uses survive a restart', async () => {
    const given = await giveGrant(world, anew())
    const use = await deleteMore(world, given, 'before')
    await world.reopen()
    granted(await world.claim(use))
    assert.equal(await world.state(await deleteMore(world, given, 'after')), 'approved')
    assert.equal(granted(await world.service().admin.showGrant(given.grant)).grant.used, 2)
  })
})
