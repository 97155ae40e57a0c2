import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { disable, granted, openWorld, refusedWith, requestedEvent, submittedEvent, type World } from '../test/harness.ts'

const answer = { status: 200, headers: ['content-type', 'application/json'], body: Buffer.from('{"ok":true}') }
const answered = { kind: 'answered', status: 200, delivered: false, answer } as const
const MINUTE = 60_000

describe('approval lifecycle', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  it('lifecycle: an approved call runs once and an identical re-send gets the stored answer', async () => {
    const { request, fence } = await world.claimed()
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: answered }), undefined)
    assert.equal(refusedWith(await world.claim(request)), 'RECEIPT_GONE')
    const receipt = granted(await world.service().api.receipt({ approval: request.id, attach: request.attach }))
    assert.deepEqual({ ...receipt, body: Buffer.from(receipt.body).toString() }, { ...answer, body: '{"ok":true}' })
  })

  it('lifecycle: two requests with the same attach key share one live request, under either id', async () => {
    const first = await world.raise()
    const second = { ...first, id: 'apr_second1' }
    await world.deliver(requestedEvent(second))
    assert.equal(granted(await world.service().admin.show(second.id)).approval.id, first.id)
    granted(await world.decide(first, 'bo'))
    granted(await world.claim(second))
    assert.equal(refusedWith(await world.claim(first)), 'APPROVAL_PENDING')
  })

  const ONE_BYTE = [
    ['an argument', { arguments: { project: 'shoq' } }],
    ['the path', { path: '/v3/projects/shoq:setIamPolicy' }],
    ['the target', { target: 'googlf' }],
    ['a header', { headers: { 'x-goog-user-project': 'q' } }],
    ['the body', { body: { kind: 'json', text: '{"policy":{"bindings":[],"etag":"BwY"}}' } }],
  ] as const
  for (const [what, call] of ONE_BYTE) {
    it(`lifecycle: one byte of ${what} changed makes the approval unusable, asks anew and shows the difference`, async () => {
      const first = await world.raise()
      granted(await world.decide(first, 'bo'))
      const second = await world.raise({ agent: first.agent, call })
      assert.equal(refusedWith(await world.claim({ ...first, attach: second.attach })), 'NOT_FOUND')
      assert.equal(refusedWith(await world.claim(second)), 'APPROVAL_PENDING')
      const { card } = granted(await world.service().admin.show(second.id))
      assert.match(card?.changed.join('\n') ?? '', new RegExp(`compared with ${first.id}:\n.*→`))
    })
  }

  it('lifecycle: the rule changed while pending: the old request ends, the new one says what changed', async () => {
    const first = await world.raise({ hash: 'rule-1', at: world.clock.now() })
    world.clock.advance(10)
    const second = await world.raise({ agent: first.agent, hash: 'rule-2' })
    assert.equal(await world.state(first), 'cancelled')
    assert.equal(refusedWith(await world.decide(first, 'bo')), 'STATE_CHANGED')
    assert.equal(await world.state(second), 'pending')
    assert.match(granted(await world.service().admin.show(second.id)).card?.changed.join() ?? '', /the rule tests\/approve or its obligations/)
  })

  it('lifecycle: the rule or the resource changed after the approval: the claim is refused and the approval ends', async () => {
    for (const change of [{ hash: 'rule-2' }, { stateHash: 'etag-2' }]) {
      const request = await world.raise({ hash: 'rule-1', stateHash: 'etag-1' })
      granted(await world.decide(request, 'bo'))
      assert.equal(refusedWith(await world.claim(request, change)), 'STATE_CHANGED')
      assert.equal(await world.state(request), 'cancelled')
      assert.equal(refusedWith(await world.claim(request)), 'STATE_CHANGED')
    }
  })

  it('lifecycle: of fifty claimers at once exactly one wins', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo'))
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => world.claim(request, { holder: `proxy-${index}` })))
    assert.equal(results.filter((result) => !isRefusal(result)).length, 1)
    assert.deepEqual([...new Set(results.filter(isRefusal).map(({ reason }) => reason))], ['APPROVAL_PENDING'])
  })

  it('lifecycle: a claim that nobody completes becomes unknown, says so, and is never claimed again', async () => {
    const { request, fence } = await world.claimed()
    world.clock.advance(10 * MINUTE)
    assert.ok(await world.service().sweep() > 0)
    assert.equal(await world.state(request), 'unknown')
    assert.equal(refusedWith(await world.claim(request)), 'OUTCOME_UNKNOWN')
    assert.equal(refusedWith(await world.service().api.receipt({ approval: request.id, attach: request.attach })), 'OUTCOME_UNKNOWN')
    assert.equal(refusedWith(await world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'not_sent', why: 'late' } })), 'OUTCOME_UNKNOWN')
    world.clock.advance(1)
    const again = await world.raise({ agent: request.agent })
    assert.match(granted(await world.service().admin.show(again.id)).card?.earlier ?? '', /not known whether it ran/)
  })

  it('lifecycle: an approval after the expiry is refused, also before the sweeper has been there', async () => {
    const request = await world.raise({ terms: { expiresMs: MINUTE } })
    world.clock.advance(MINUTE)
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'APPROVAL_EXPIRED')
    assert.equal(await world.state(request), 'expired')
  })

  it('lifecycle: an approval that was not used before the expiry is of no use after it', async () => {
    const request = await world.raise({ terms: { expiresMs: MINUTE } })
    granted(await world.decide(request, 'bo'))
    world.clock.advance(MINUTE)
    const refused = await world.claim(request)
    assert.equal(refusedWith(refused), 'APPROVAL_EXPIRED')
    assert.doesNotMatch(isRefusal(refused) ? refused.message : '', /den(?:y|ied)/i)
  })

  it('lifecycle: a denial after the approval wins while nothing was dialled', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo'))
    assert.equal(granted(await world.decide(request, 'cy', 'deny', 'wait')).state, 'denied')
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_DENIED')
  })

  it('lifecycle: a denial or revocation while the call is being run is refused and reported', async () => {
    const { request } = await world.claimed()
    assert.equal(refusedWith(await world.decide(request, 'cy', 'deny', 'wait')), 'APPROVAL_PENDING')
    const revoked = await world.service().admin.revoke({ id: request.id, by: 'op', reason: 'stop' })
    assert.match(isRefusal(revoked) ? revoked.message : '', /being run since/)
    const { refused } = granted(await world.service().admin.show(request.id))
    assert.deepEqual(refused.map(({ person, verdict, reason }) => ({ person, verdict, reason })), [{ person: 'cy', verdict: 'deny', reason: 'APPROVAL_PENDING' }])
  })

  it('lifecycle: a revoked grant cannot be claimed', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo'))
    granted(await world.service().admin.revoke({ id: request.id, by: 'op', reason: 'stop' }))
    assert.equal(refusedWith(await world.claim(request)), 'STATE_CHANGED')
  })

  it('lifecycle: one approver who votes twice counts once', async () => {
    const request = await world.raise({ terms: { quorum: 2 } })
    assert.deepEqual(granted(await world.decide(request, 'bo')), { approval: request.id, state: 'pending', person: 'bo', approvals: 1, quorum: 2 })
    world.clock.advance(1)
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'REQUEST_INVALID')
    assert.equal(await world.state(request), 'pending')
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
  })

  it('invariant 6: approvals of several persons at one moment all count, and approve once', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-moment' }, async ({ event }) => facts.add(event))
    const request = await world.raise({ terms: { quorum: 3 } })
    const decided = await Promise.all(['bo', 'cy', 'di'].map((who) => world.decide(request, who)))
    assert.equal(decided.filter((each) => granted(each).state === 'approved').length, 1)
    granted(await world.claim(request))
    await facts.until((all) => all.some(({ type, subject }) => type === 'approval.claimed' && subject === request.id))
    assert.equal(facts.items.filter(({ type, subject }) => type === 'approval.approved' && subject === request.id).length, 1)
    await subscription.close()
  })

  it('lifecycle: denial, claim and revocation at one moment leave one state, and a claim only where it was allowed', async () => {
    for (let round = 0; round < 20; round += 1) {
      const request = await world.raise()
      granted(await world.decide(request, 'bo'))
      const [claim, denial, revoked] = await Promise.all([world.claim(request), world.decide(request, 'cy', 'deny', 'no'), world.service().admin.revoke({ id: request.id, by: 'op', reason: 'r' })])
      const wins = [claim, denial, revoked].filter((each) => !isRefusal(each)).length
      assert.equal(wins, 1)
      assert.equal(await world.state(request), isRefusal(claim) ? isRefusal(denial) ? 'cancelled' : 'denied' : 'claimed')
    }
  })

  it('lifecycle: with k-1 of k approvals, disabling one of the approvers keeps it from passing', async () => {
    const request = await world.raise({ terms: { quorum: 2, reviewers: ['person:bo', 'person:cy', 'person:eve'] } })
    world.people.persons.push({ id: 'eve' as never, name: 'eve', groups: [], identities: [] })
    granted(await world.decide(request, 'eve'))
    disable(world.people, 'eve')
    assert.equal(granted(await world.decide(request, 'bo')).state, 'pending')
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
  })

  it('lifecycle: an approver who is disabled after the approval takes it along', async () => {
    world.people.persons.push({ id: 'eve' as never, name: 'eve', groups: [], identities: [] })
    world.people.persons.splice(0, world.people.persons.length, ...world.people.persons.filter(({ id, disabled }) => !(id === 'eve' as never && disabled === true)))
    const request = await world.raise({ terms: { reviewers: ['person:eve', 'person:bo'] } })
    granted(await world.decide(request, 'eve'))
    disable(world.people, 'eve')
    assert.equal(refusedWith(await world.claim(request)), 'STATE_CHANGED')
  })

  it('lifecycle: a client that left and comes back finds its request pending, and nothing ever says denied', async () => {
    const request = await world.raise()
    world.clock.advance(5 * MINUTE)
    await world.deliver(requestedEvent({ ...request, at: world.clock.now() }))
    const refused = await world.claim(request)
    assert.equal(refusedWith(refused), 'APPROVAL_PENDING')
    assert.doesNotMatch(isRefusal(refused) ? refused.message : '', /den(?:y|ied)/i)
    granted(await world.decide(request, 'bo'))
    granted(await world.claim(request))
  })

  it('lifecycle: a forged decision and a replayed one change nothing, whatever their event ids are', async () => {
    const request = await world.raise({ terms: { quorum: 2 } })
    const decision = world.signed(request, 'bo', 'approve')
    await world.deliver(submittedEvent({ ...decision, proof: { ...decision.proof, person: 'cy' } }, world.clock.now()))
    assert.equal(granted(await world.service().admin.show(request.id)).votes.length, 0)
    for (let copy = 0; copy < 3; copy += 1) await world.deliver(submittedEvent(decision, world.clock.now()))
    assert.equal(granted(await world.service().admin.show(request.id)).votes.length, 1)
    assert.equal(await world.state(request), 'pending')
  })

  it('lifecycle: a redelivered decision is not recorded as refused', async () => {
    const request = await world.raise()
    const event = submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now())
    await Promise.all([world.deliver(event), world.deliver(event), world.deliver(event)])
    const { approval, refused } = granted(await world.service().admin.show(request.id))
    assert.deepEqual([approval.state, refused.length], ['approved', 0])
  })

  for (const skew of [-5 * MINUTE, 5 * MINUTE]) {
    it(`lifecycle: a proxy clock ${skew / MINUTE} min off makes no approval start early or end late`, async () => {
      const request = await world.raise({ at: world.clock.now() + skew, terms: { expiresMs: 10 * MINUTE } })
      const { approval } = granted(await world.service().admin.show(request.id))
      assert.equal(approval.at, world.clock.now())
      assert.equal(approval.expiresAt, world.clock.now() + 10 * MINUTE + Math.min(0, skew))
    })
  }

  it('lifecycle: a request that waited on the bus past its end is born expired', async () => {
    const request = await world.raise({ at: world.clock.now() - 10 * MINUTE, terms: { expiresMs: MINUTE } })
    assert.equal(await world.state(request), 'expired')
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'APPROVAL_EXPIRED')
  })

  it('lifecycle: after its window the same call is a new request whose card says that it ran', async () => {
    const { request, fence } = await world.claimed()
    await world.service().api.complete({ approval: request.id, fence, outcome: answered })
    world.clock.advance(10 * MINUTE)
    const again = await world.raise({ agent: request.agent })
    assert.equal(await world.state(again), 'pending')
    assert.match(granted(await world.service().admin.show(again.id)).card?.earlier ?? '', new RegExp(`The same call ran at 2026-.* with status 200 \\(${request.id}`))
  })

  it('lifecycle: the same call of another run tells its approver that it ran', async () => {
    const call = { arguments: { project: 'ran-elsewhere' } }
    const { request, fence } = await world.claimed({ call })
    await world.service().api.complete({ approval: request.id, fence, outcome: answered })
    const other = await world.raise({ call })
    assert.match(granted(await world.service().admin.show(other.id)).card?.earlier ?? '', new RegExp(request.id))
  })

  it('lifecycle: a claim given back may be taken again, with a new fence, until the approval expires', async () => {
    const { request, fence } = await world.claimed()
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'not_sent', why: 'upstream said 429' } }), undefined)
    const next = granted(await world.claim(request))
    assert.notEqual(next.fence, fence)
    assert.equal(refusedWith(await world.service().api.complete({ approval: request.id, fence, outcome: answered })), 'STATE_CHANGED')
    await world.service().api.complete({ approval: request.id, fence: next.fence, outcome: { kind: 'not_sent', why: 'again' } })
    world.clock.advance(30 * MINUTE)
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_EXPIRED')
  })
})
