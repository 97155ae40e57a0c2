import assert from 'node:assert/strict'
import { openWorld, refusedWith, requestedEvent, submittedEvent, type World } from '../test/harness.ts'

describe('order and delay of events', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  it('a decision that overtakes its request decides nothing, and neither does its repetition: the request waits', async () => {
    const request = world.ask()
    const decision = submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now())
    await world.deliver(decision)
    await world.deliver(requestedEvent(request))
    await world.deliver(decision)
    assert.equal(await world.state(request), 'pending')
    world.clock.advance(1)
    await world.deliver(submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now()))
    assert.equal(await world.state(request), 'approved')
  })

  it('invariant 11: a request that comes after its own end is expired, and nobody can approve it', async () => {
    const request = world.ask()
    const event = requestedEvent(request)
    world.clock.advance((request.decision.obligations.approval?.expiresMs ?? 0) + 1)
    await world.deliver(event)
    assert.equal(await world.state(request), 'expired')
    await world.deliver(submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now()))
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_EXPIRED')
  })

  it('invariant 13: a decision that comes after the end changes nothing, and the call is still not called denied', async () => {
    const request = await world.raise()
    const late = submittedEvent(world.signed(request, 'bo', 'deny'), world.clock.now())
    world.clock.advance((request.decision.obligations.approval?.expiresMs ?? 0) + 1)
    await world.deliver(late)
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_EXPIRED')
  })
})
