/** Rows 1 to 6 and 14 of the lifecycle matrix: what runs, how often, and what of it is known. */
import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { it } from 'mocha'
import { granted, refusedWith, requestedEvent, type World } from './harness.ts'
import { someone } from './lifecycle-parts.ts'

const MINUTE = 60_000
const answer = { status: 200, headers: ['content-type', 'application/json'], body: Buffer.from('{"ok":true}') }
const answered = { kind: 'answered', status: 200, delivered: false, answer } as const

export function runRules(world: () => World): void {
  sameCall(world)
  changedCall(world)
  changedRuleOrResource(world)
  twoWorkers(world)
  crashes(world)
  latecomers(world)
  clocks(world)
}

function sameCall(world: () => World): void {
  it('lifecycle 1: an approved call runs once and an identical re-send gets the stored answer', async () => {
    const { request, fence } = await world().claimed()
    assert.equal(await world().service().api.complete({ approval: request.id, fence, outcome: answered }), undefined)
    assert.equal(refusedWith(await world().claim(request)), 'RECEIPT_GONE')
    const receipt = granted(await world().service().api.receipt({ approval: request.id, attach: request.attach }))
    assert.deepEqual({ ...receipt, body: Buffer.from(receipt.body).toString() }, { ...answer, body: '{"ok":true}' })
  })

  it('lifecycle 1: two requests with the same attach key share one live request, under either id', async () => {
    const first = await world().raise()
    const second = { ...first, id: `${first.id}b` }
    await world().deliver(requestedEvent(second))
    assert.equal(granted(await world().service().admin.show(second.id)).approval.id, first.id)
    granted(await world().decide(first, 'bo'))
    granted(await world().claim(second))
    assert.equal(refusedWith(await world().claim(first)), 'APPROVAL_PENDING')
  })

  it('lifecycle 1: after its window the same call is a new request whose card says that it ran', async () => {
    const { request, fence } = await world().claimed()
    await world().service().api.complete({ approval: request.id, fence, outcome: answered })
    world().clock.advance(10 * MINUTE)
    const again = await world().raise({ agent: request.agent })
    assert.equal(await world().state(again), 'pending')
    assert.match(granted(await world().service().admin.show(again.id)).card?.earlier ?? '', new RegExp(`The same call ran at 2026-.* with status 200 \\(${request.id}`))
  })

  it('lifecycle 1: the same call of another run tells its approver that it ran', async () => {
    const call = { arguments: { project: someone().id } }
    const { request, fence } = await world().claimed({ call })
    await world().service().api.complete({ approval: request.id, fence, outcome: answered })
    const other = await world().raise({ call })
    assert.match(granted(await world().service().admin.show(other.id)).card?.earlier ?? '', new RegExp(request.id))
  })
}

function changedCall(world: () => World): void {
  const ONE_BYTE = [
    ['an argument', { arguments: { project: 'shoq' } }],
    ['the path', { path: '/v3/projects/shoq:setIamPolicy' }],
    ['the target', { target: 'googlf' }],
    ['a header', { headers: { 'x-goog-user-project': 'q' } }],
    ['the body', { body: { kind: 'json', text: '{"policy":{"bindings":[],"etag":"BwY"}}' } }],
  ] as const
  for (const [what, call] of ONE_BYTE) {
    it(`lifecycle 2: one byte of ${what} changed makes the approval unusable, asks anew and shows the difference`, async () => {
      const first = await world().raise()
      granted(await world().decide(first, 'bo'))
      const second = await world().raise({ agent: first.agent, call })
      assert.equal(refusedWith(await world().claim({ ...first, attach: second.attach })), 'NOT_FOUND')
      assert.equal(refusedWith(await world().claim(second)), 'APPROVAL_PENDING')
      const { card } = granted(await world().service().admin.show(second.id))
      assert.match(card?.changed.join('\n') ?? '', new RegExp(`compared with ${first.id}:\n.*→`))
    })
  }
}

function changedRuleOrResource(world: () => World): void {
  for (const [what, before, after, shown] of [['rule or its obligations', { hash: 'rule-1' }, { hash: 'rule-2' }, /the rule tests\/approve or its obligations/], ['resource', { stateHash: 'etag-1' }, { stateHash: 'etag-2' }, /the resource's state: it was etag-1/]] as const) {
    it(`lifecycle 3: the ${what} changed while pending: the old request ends, the new one says what changed`, async () => {
      const first = await world().raise({ ...before, at: world().clock.now() })
      world().clock.advance(10)
      const second = await world().raise({ agent: first.agent, ...after })
      assert.equal(await world().state(first), 'cancelled')
      assert.equal(refusedWith(await world().decide(first, 'bo')), 'STATE_CHANGED')
      assert.equal(await world().state(second), 'pending')
      assert.match(granted(await world().service().admin.show(second.id)).card?.changed.join() ?? '', shown)
    })

    it(`lifecycle 3: the ${what} changed after the approval: the claim is refused and the approval ends`, async () => {
      const request = await world().raise(before)
      granted(await world().decide(request, 'bo'))
      assert.equal(refusedWith(await world().claim(request, after)), 'STATE_CHANGED')
      assert.equal(await world().state(request), 'cancelled')
      assert.equal(refusedWith(await world().claim(request)), 'STATE_CHANGED')
    })
  }
}

function twoWorkers(world: () => World): void {
  it('lifecycle 4: of twenty claimers at once exactly one wins', async () => {
    const request = await world().raise()
    granted(await world().decide(request, 'bo'))
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => world().claim(request, { holder: `proxy-${index}` })))
    assert.equal(results.filter((result) => !isRefusal(result)).length, 1)
    assert.deepEqual([...new Set(results.filter(isRefusal).map(({ reason }) => reason))], ['APPROVAL_PENDING'])
  })

  it('lifecycle 4: a claim given back may be taken again, with a new fence, until the approval expires', async () => {
    const { request, fence } = await world().claimed()
    assert.equal(await world().service().api.complete({ approval: request.id, fence, outcome: { kind: 'not_sent', why: 'upstream said 429' } }), undefined)
    const next = granted(await world().claim(request))
    assert.notEqual(next.fence, fence)
    assert.equal(refusedWith(await world().service().api.complete({ approval: request.id, fence, outcome: answered })), 'STATE_CHANGED')
    await world().service().api.complete({ approval: request.id, fence: next.fence, outcome: { kind: 'not_sent', why: 'again' } })
    world().clock.advance(30 * MINUTE)
    assert.equal(refusedWith(await world().claim(request)), 'APPROVAL_EXPIRED')
  })
}

function crashes(world: () => World): void {
  it('lifecycle 5: a claim that nobody completes becomes unknown, says so, and is never claimed again', async () => {
    const { request, fence } = await world().claimed()
    world().clock.advance(10 * MINUTE)
    while (await world().service().sweep() > 0);
    assert.equal(await world().state(request), 'unknown')
    assert.equal(refusedWith(await world().claim(request)), 'OUTCOME_UNKNOWN')
    assert.equal(refusedWith(await world().service().api.receipt({ approval: request.id, attach: request.attach })), 'OUTCOME_UNKNOWN')
    assert.equal(refusedWith(await world().service().api.complete({ approval: request.id, fence, outcome: { kind: 'not_sent', why: 'late' } })), 'OUTCOME_UNKNOWN')
    world().clock.advance(1)
    const again = await world().raise({ agent: request.agent })
    assert.match(granted(await world().service().admin.show(again.id)).card?.earlier ?? '', /not known whether it ran/)
  })

  it('lifecycle 5: closed and opened again after each step, nothing is lost and the call is dialled once', async () => {
    const request = await world().raise({ terms: { quorum: 2 } })
    await world().reopen()
    granted(await world().decide(request, 'bo'))
    await world().reopen()
    granted(await world().decide(request, 'cy'))
    await world().reopen()
    const { fence } = granted(await world().claim(request))
    await world().reopen()
    assert.equal(refusedWith(await world().claim(request)), 'APPROVAL_PENDING')
    assert.equal(await world().service().api.complete({ approval: request.id, fence, outcome: answered }), undefined)
    await world().reopen()
    granted(await world().service().api.receipt({ approval: request.id, attach: request.attach }))
    assert.equal(refusedWith(await world().claim(request)), 'RECEIPT_GONE')
  })

  it('lifecycle 5: a claim whose holder vanished stays until its end over a restart, then it is unknown', async () => {
    const { request } = await world().claimed()
    await world().reopen()
    await world().service().sweep()
    assert.equal(await world().state(request), 'claimed')
    world().clock.advance(10 * MINUTE)
    await world().reopen()
    while (await world().service().sweep() > 0);
    assert.equal(await world().state(request), 'unknown')
  })
}

function latecomers(world: () => World): void {
  it('lifecycle 6: an approval after the expiry is refused, also before the sweeper has been there', async () => {
    const request = await world().raise({ terms: { expiresMs: MINUTE } })
    world().clock.advance(MINUTE)
    assert.equal(refusedWith(await world().decide(request, 'bo')), 'APPROVAL_EXPIRED')
    assert.equal(await world().state(request), 'expired')
  })

  it('lifecycle 6: an approval that was not used before the expiry is of no use after it, and nobody is said to have denied it', async () => {
    const request = await world().raise({ terms: { expiresMs: MINUTE } })
    granted(await world().decide(request, 'bo'))
    world().clock.advance(MINUTE)
    const refused = await world().claim(request)
    assert.equal(refusedWith(refused), 'APPROVAL_EXPIRED')
    assert.doesNotMatch(isRefusal(refused) ? refused.message : '', /den(?:y|ied)/i)
  })

  it('lifecycle 6: a denial after the approval wins while nothing was dialled', async () => {
    const request = await world().raise()
    granted(await world().decide(request, 'bo'))
    assert.equal(granted(await world().decide(request, 'cy', 'deny', 'wait')).state, 'denied')
    assert.equal(refusedWith(await world().claim(request)), 'APPROVAL_DENIED')
  })

  it('lifecycle 6: a denial or revocation while the call is being run is refused and reported', async () => {
    const { request } = await world().claimed()
    assert.equal(refusedWith(await world().decide(request, 'cy', 'deny', 'wait')), 'APPROVAL_PENDING')
    const revoked = await world().service().admin.revoke({ id: request.id, by: 'op', reason: 'stop' })
    assert.match(isRefusal(revoked) ? revoked.message : '', /being run since/)
    const { refused } = granted(await world().service().admin.show(request.id))
    assert.deepEqual(refused.map(({ person, verdict, reason }) => ({ person, verdict, reason })), [{ person: 'cy', verdict: 'deny', reason: 'APPROVAL_PENDING' }])
  })

  it('lifecycle 6: a revoked approval cannot be claimed', async () => {
    const request = await world().raise()
    granted(await world().decide(request, 'bo'))
    granted(await world().service().admin.revoke({ id: request.id, by: 'op', reason: 'stop' }))
    assert.equal(refusedWith(await world().claim(request)), 'STATE_CHANGED')
  })

  it('lifecycle 6: denial, claim and revocation at one moment leave one state, and a claim only where it was allowed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const request = await world().raise()
      granted(await world().decide(request, 'bo'))
      const [claim, denial, revoked] = await Promise.all([world().claim(request), world().decide(request, 'cy', 'deny', 'no'), world().service().admin.revoke({ id: request.id, by: 'op', reason: 'r' })])
      assert.equal([claim, denial, revoked].filter((each) => !isRefusal(each)).length, 1)
      assert.equal(await world().state(request), isRefusal(claim) ? isRefusal(denial) ? 'cancelled' : 'denied' : 'claimed')
    }
  })
}

function clocks(world: () => World): void {
  for (const skew of [-5 * MINUTE, 5 * MINUTE]) {
    it(`lifecycle 14: a proxy clock ${skew / MINUTE} min off makes no approval start early or end late`, async () => {
      const request = await world().raise({ at: world().clock.now() + skew, terms: { expiresMs: 10 * MINUTE } })
      const { approval } = granted(await world().service().admin.show(request.id))
      assert.equal(approval.at, world().clock.now())
      assert.equal(approval.expiresAt, world().clock.now() + 10 * MINUTE + Math.min(0, skew))
    })
  }

  it('lifecycle 14: a request that waited on the bus past its end is born expired', async () => {
    const request = await world().raise({ at: world().clock.now() - 10 * MINUTE, terms: { expiresMs: MINUTE } })
    assert.equal(await world().state(request), 'expired')
    assert.equal(refusedWith(await world().decide(request, 'bo')), 'APPROVAL_EXPIRED')
  })

  it('lifecycle 14: times on the card are in UTC, whatever zone the service runs in', async () => {
    const request = await world().raise()
    const { card, approval } = granted(await world().service().admin.show(request.id))
    const zone = process.env['TZ']
    try {
      process.env['TZ'] = 'Pacific/Kiritimati'
      assert.equal(granted(await world().service().admin.show(request.id)).card?.expires, card?.expires)
    } finally {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    }
    assert.equal(card?.expires, `${new Date(approval.expiresAt).toISOString().slice(0, 19)}Z`)
  })
}
