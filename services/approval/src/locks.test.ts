import assert from 'node:assert/strict'
import { HEARTBEAT_ID, isInForce, locks } from '@lockkeeper/domain/collections'
import type { LockScope } from '@lockkeeper/domain'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, refusedWith, type World } from '../test/harness.ts'
import { lockId } from './lock-documents.ts'

describe('locks', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())
  const set = (scope: LockScope, until?: number) => world.service().admin.setLock({ scope, reason: 'drill', by: 'op', ...until === undefined ? {} : { until } })
  const lift = (id: string) => world.service().admin.liftLock({ id, reason: 'over', by: 'op' })

  const SCOPES: readonly ((agent: string, run: string) => LockScope)[] = [
    () => ({ kind: 'everything' }), (agent) => ({ kind: 'agent', agent }), (_agent, run) => ({ kind: 'run', run }), () => ({ kind: 'target', target: 'google' }),
  ]
  for (const scopeOf of SCOPES) {
    it(`invariant 11: a lock on ${scopeOf('', '').kind} freezes decisions and stops claims until it is lifted`, async () => {
      const waiting = await world.raise()
      const approved = await world.raise()
      granted(await world.decide(approved, 'bo'))
      for (const { agent } of [waiting, approved]) granted(await set(scopeOf(agent.id, agent.run)))
      assert.equal(refusedWith(await world.decide(waiting, 'bo')), 'AGENT_LOCKED')
      assert.equal(refusedWith(await world.decide(waiting, 'cy', 'deny', 'no')), 'AGENT_LOCKED')
      assert.equal(refusedWith(await world.claim(approved)), 'AGENT_LOCKED')
      assert.equal(granted(await world.service().admin.show(waiting.id)).lock?.reason, 'drill')
      for (const { id } of await world.service().admin.listLocks()) granted(await lift(id))
      world.clock.advance(1)
      granted(await world.decide(waiting, 'bo'))
      granted(await world.claim(approved))
    })
  }

  it('a lock on another agent, run or target stops nothing here', async () => {
    const request = await world.raise()
    for (const scope of [{ kind: 'agent', agent: 'x' }, { kind: 'run', run: 'x' }, { kind: 'target', target: 'x' }] as const) granted(await set(scope))
    granted(await world.decide(request, 'bo'))
    granted(await world.claim(request))
    for (const { id } of await world.service().admin.listLocks()) await lift(id)
  })

  it('invariant 11: a claim and a lock at the same moment: either the claim was first or it is refused', async () => {
    for (let round = 0; round < 20; round += 1) {
      const request = await world.raise()
      granted(await world.decide(request, 'bo'))
      const [claim, lock] = await Promise.all([world.claim(request), set({ kind: 'run', run: request.agent.run })])
      granted(lock)
      const state = await world.state(request)
      assert.equal(refusedWith(claim), state === 'claimed' ? 'not refused' : 'AGENT_LOCKED')
      assert.equal(refusedWith(await world.claim(request)), state === 'claimed' ? 'APPROVAL_PENDING' : 'AGENT_LOCKED')
    }
  })

  it('invariant 11: a lock ends by itself at its end and leaves the watched set', async () => {
    const request = await world.raise()
    const lock = granted(await set({ kind: 'run', run: request.agent.run }, world.clock.now() + 1000))
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'AGENT_LOCKED')
    world.clock.advance(1000)
    assert.ok(!(await world.service().admin.listLocks()).some(({ id }) => id === lock.id))
    await world.service().sweep()
    const [doc] = await world.store().documents.read([{ collection: locks, id: lock.id }])
    assert.equal(doc?.data.live, false)
    granted(await world.decide(request, 'bo'))
  })

  it('a second lock on the same scope never ends earlier than the first', async () => {
    const now = world.clock.now()
    const cases: readonly (readonly [number | undefined, number | undefined, number | undefined])[] = [
      [now + 1000, now + 500, now + 1000], [now + 500, now + 1000, now + 1000], [undefined, now + 500, undefined], [now + 500, undefined, undefined],
    ]
    for (const [index, [first, second, wanted]] of cases.entries()) {
      const scope: LockScope = { kind: 'run', run: `twice-${index}` }
      granted(await set(scope, first))
      assert.equal(granted(await set(scope, second)).until, wanted)
    }
  })

  const MALFORMED: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined], ['no scope', { reason: 'r', by: 'b' }], ['an unknown scope', { scope: { kind: 'planet' }, reason: 'r', by: 'b' }],
    ['an empty agent', { scope: { kind: 'agent', agent: '' }, reason: 'r', by: 'b' }], ['no reason', { scope: { kind: 'everything' }, reason: '', by: 'b' }],
    ['nobody', { scope: { kind: 'everything' }, reason: 'r', by: '' }], ['an end in the past', { scope: { kind: 'everything' }, reason: 'r', by: 'b', until: 1 }],
    ['a scope of two kinds', { scope: { kind: 'everything', agent: 'a' }, reason: 'r', by: 'b' }],
  ]
  for (const [what, request] of MALFORMED) {
    it(`a lock with ${what} is refused`, async () => assert.equal(refusedWith(await world.service().admin.setLock(request as never)), 'REQUEST_INVALID'))
  }

  it('lifting what is not locked is refused, also the heartbeat', async () => {
    await world.service().beat()
    for (const id of ['lock_none', lockId({ kind: 'agent', agent: 'never' })]) assert.equal(refusedWith(await lift(id)), 'NOT_FOUND')
    for (const id of [HEARTBEAT_ID, '', '../x', 'lock_a/b', `lock_${'a'.repeat(5000)}`]) assert.equal(refusedWith(await lift(id)), 'REQUEST_INVALID')
  })

  it('setting and lifting leave facts that name who and why', async () => {
    const seen = collector<unknown>()
    const subscription = world.store().events.subscribe({ topic: 'locks', name: 'test-locks' }, async ({ event }) => seen.add(event.data))
    const lock = granted(await set({ kind: 'agent', agent: 'noted' }))
    granted(await lift(lock.id))
    await seen.until((items) => items.length === 2)
    await subscription.close()
    const scope = { kind: 'agent', agent: 'noted' }
    assert.deepEqual(new Set(seen.items.map((item) => JSON.stringify(item))), new Set([
      { id: lock.id, state: 'set', scope, by: 'op', reason: 'drill' }, { id: lock.id, state: 'lifted', scope, by: 'op', reason: 'over' },
    ].map((item) => JSON.stringify(item))))
  })

  it('a lock is in force while it is live and before its end', () => {
    assert.deepEqual([isInForce({ live: true }, 5), isInForce({ live: true, until: 6 }, 5), isInForce({ live: true, until: 5 }, 5), isInForce({ live: false }, 5)], [true, true, false, false])
  })
})
