/** Rows 16 and 17 of the lifecycle matrix: what runs beyond the one call that was shown, and what one person lets through alone. */
import assert from 'node:assert/strict'
import { it } from 'mocha'
import { deleteMore, deletion, giveGrant, PATTERN } from './deletions.ts'
import { granted, refusedWith, requestedEvent, type World } from './harness.ts'
import { someone } from './lifecycle-parts.ts'

export function grantRules(world: () => World): void {
  it('lifecycle 16: of eight calls at once under a grant for three, three run and the others wait for a person', async () => {
    const { agent, grant } = await giveGrant(world(), someone(), { pattern: { uses: 3 } })
    const asks = Array.from({ length: 8 }, (_, index) => world().ask({ agent, call: deletion(`o${index}`) }))
    await Promise.all(asks.map((request) => world().deliver(requestedEvent(request))))
    const states = await Promise.all(asks.map((request) => world().state(request)))
    assert.deepEqual([states.filter((state) => state === 'approved').length, states.filter((state) => state === 'pending').length], [3, 5])
    assert.equal(granted(await world().service().admin.showGrant(grant)).grant.used, 3)
  })

  it('lifecycle 16: a use runs once, and after a revocation nothing is claimed under the grant, on no instance', async () => {
    const given = await giveGrant(world(), someone())
    const [ran, ready] = [await deleteMore(world(), given, 'ran'), await deleteMore(world(), given, 'ready')]
    granted(await world().claim(ran, { holder: 'proxy-1' }))
    assert.equal(refusedWith(await world().claim(ran, { holder: 'proxy-2' })), 'APPROVAL_PENDING')
    granted(await world().service().admin.revokeGrant({ id: given.grant, by: 'op', reason: 'enough' }))
    for (const holder of ['proxy-1', 'proxy-2']) assert.equal(refusedWith(await world().claim(ready, { holder })), 'STATE_CHANGED')
    assert.equal(await world().state(await deleteMore(world(), given, 'later')), 'pending')
  })

  it('lifecycle 16: calls that waited when the pattern was approved run with it', async () => {
    const first = await world().raise({ agent: someone(), call: deletion('first') })
    const waiting = await deleteMore(world(), first, 'waiting')
    granted(await world().service().admin.decide(world().signed(first, 'bo', 'approve', { grant: PATTERN })))
    granted(await world().claim(waiting))
  })

  it('lifecycle 17: break-glass by whom the rule names runs at once, and its review outlasts a restart', async () => {
    const request = await world().raise({ agent: someone(), terms: { quorum: 2, breakGlass: ['person:bo'] } })
    assert.equal(refusedWith(await world().service().admin.decide(world().signed(request, 'cy', 'approve', { breakGlass: true, reason: 'r' }))), 'POLICY_DENIED')
    const { state, review } = granted(await world().service().admin.decide(world().signed(request, 'bo', 'approve', { breakGlass: true, reason: 'the site is down' })))
    assert.equal(state, 'approved')
    granted(await world().claim(request))
    await world().reopen()
    assert.ok((await world().service().admin.listReviews()).some(({ id }) => id === review))
  })
}
