import assert from 'node:assert/strict'
import { approvals } from '@lockkeeper/domain/collections'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { aMethod } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, refusedWith, requestedEvent, type Ask, type World } from '../test/harness.ts'

type Broken = (request: AccessRequest) => unknown
const HOSTILE: readonly (readonly [string, Broken])[] = [
  ['nothing', () => undefined],
  ['an array', () => []],
  ['no call', ({ call: _call, ...rest }) => rest],
  ['an unknown member', (request) => ({ ...request, approved: true })],
  ['an unknown member of the call', (request) => ({ ...request, call: { ...request.call, override: 'x' } })],
  ['another body than its digest', (request) => ({ ...request, call: { ...request.call, body: { kind: 'json', text: '{}' } } })],
  ['another path than its digest', (request) => ({ ...request, call: { ...request.call, path: '/v3/projects/prod:setIamPolicy' } })],
  ['another method than its digest', (request) => ({ ...request, call: { ...request.call, method: 'storage.objects.get' } })],
  ['a digest of nothing', (request) => ({ ...request, attach: { ...request.attach, digest: 'full:' } })],
  ['an attach key of another agent', (request) => ({ ...request, attach: { ...request.attach, agent: 'other' } })],
  ['an attach key of another run', (request) => ({ ...request, attach: { ...request.attach, run: 'other' } })],
  ['an attach key of another issuer', (request) => ({ ...request, attach: { ...request.attach, issuer: 'other' } })],
  ['an allowing decision', (request) => ({ ...request, decision: { ...request.decision, effect: 'allow' } })],
  ['the other mode', (request) => ({ ...request, mode: 'real' })],
  ['an id that is a path', (request) => ({ ...request, id: 'apr_../../x' })],
  ['an id of another kind', (request) => ({ ...request, id: 'lock_abc' })],
  ['an id without end', (request) => ({ ...request, id: `apr_${'a'.repeat(100)}` })],
  ['a quorum of none', (request) => withTerms(request, { quorum: 0 })],
  ['a negative expiry', (request) => withTerms(request, { expiresMs: -1 })],
  ['an expiry of a year', (request) => withTerms(request, { expiresMs: 365 * 86_400_000 })],
  ['a reviewer that is no name', (request) => withTerms(request, { reviewers: ['person:a b'] })],
  ['a time that is no number', (request) => ({ ...request, at: 'now' })],
  ['a chain without end', (request) => ({ ...request, agent: { ...request.agent, chain: Array(1000).fill({ subject: 'x' }) } })],
]

function withTerms(request: AccessRequest, terms: object): unknown {
  const { decision } = request
  return { ...request, decision: { ...decision, obligations: { ...decision.obligations, approval: { ...decision.obligations.approval, ...terms } } } }
}

describe('intake', () => {
  let world: World
  before(async () => { world = await openWorld({ pendingPerAgent: 5 }) })
  after(() => world.close())

  for (const [what, broken] of HOSTILE) {
    it(`invariant 4: a request with ${what} is dropped and kept as poisoned`, async () => {
      const request = world.ask()
      const event = { ...requestedEvent(request), data: broken(request) }
      await world.deliver(event)
      assert.equal(refusedWith(await world.service().admin.show(request.id)), 'NOT_FOUND')
      assert.ok((await world.service().admin.poisoned()).some((entry) => entry.event === event.id && entry.poisoned))
    })
  }

  it('a poisoned event is recorded once and its body is kept nowhere', async () => {
    const request = world.ask({ statedReason: 'canary-5d1c' })
    const event = requestedEvent({ ...request, mode: 'real' })
    await world.deliver(event)
    await world.deliver(event)
    const found = (await world.service().admin.poisoned()).filter((entry) => entry.event === event.id)
    assert.equal(found.length, 1)
    assert.doesNotMatch(JSON.stringify(found) + world.logged.join(), /canary-5d1c/)
  })

  it('an event that is delivered again opens nothing again', async () => {
    const request = world.ask()
    const event = requestedEvent(request)
    await Promise.all([world.deliver(event), world.deliver(event)])
    await world.deliver(event)
    const { approvals: found } = await world.service().admin.list({ run: request.agent.run })
    assert.equal(found.length, 1)
  })

  it('twenty proxies that ask for the same call at once get one live request', async () => {
    const first = world.ask({ agent: { id: 'twins' } })
    await Promise.all(Array.from({ length: 20 }, (_, index) => world.deliver(requestedEvent({ ...first, id: `apr_twin${index}` }))))
    const { approvals: found } = await world.service().admin.list({ run: first.agent.run })
    assert.equal(found.length, 1)
    for (let index = 0; index < 20; index += 1) assert.equal(granted(await world.service().admin.show(`apr_twin${index}`)).approval.id, found[0]?.id)
  })

  const APART: readonly (readonly [string, Ask])[] = [
    ['another run', { agent: { run: 'other-run' } }],
    ['an idempotency key', { idempotencyKey: 'k1' }],
    ['another body', { call: { body: { kind: 'json', text: '{"a":1}' } } }],
  ]
  for (const [what, changes] of APART) {
    it(`a call with ${what} has a request of its own`, async () => {
      const first = await world.raise({ agent: { id: `apart-${what}` } })
      const second = await world.raise({ ...changes, agent: { ...first.agent, ...changes.agent } })
      assert.equal(granted(await world.service().admin.show(second.id)).approval.id, second.id)
    })
  }

  it('invariant 11: over the cap a request is cancelled with TOO_MANY_PENDING, also when all come at once', async () => {
    const asks = Array.from({ length: 12 }, () => world.ask({ agent: { id: 'flood' } }))
    await Promise.all(asks.map((request) => world.deliver(requestedEvent(request))))
    const { docs } = await world.store().documents.query(approvals, { name: 'byAgentState', equal: { issuer: 'test', agent: 'flood', state: 'cancelled' }, limit: 100 })
    assert.deepEqual([...new Set(docs.map(({ data }) => data.kind === 'approval' && data.refusal))], ['TOO_MANY_PENDING'])
    assert.equal(docs.length, 7)
    const another = await world.raise({ agent: { id: 'calm' } })
    assert.equal(await world.state(another), 'pending')
  })

  it('under the cap again the agent may ask again', async () => {
    const asks = await Promise.all(Array.from({ length: 5 }, () => world.raise({ agent: { id: 'busy' } })))
    const sixth = await world.raise({ agent: { id: 'busy' } })
    assert.equal(refusedWith(await world.claim(sixth)), 'TOO_MANY_PENDING')
    granted(await world.decide(asks[0] as AccessRequest, 'bo', 'deny', 'no'))
    const seventh = await world.raise({ agent: { id: 'busy' } })
    assert.equal(await world.state(seventh), 'pending')
  })

  it('invariant 6: a request that nobody may decide is cancelled as unroutable', async () => {
    const request = await world.raise({ terms: { reviewers: ['person:ana'] } })
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_UNROUTABLE')
  })

  const OVERTAKEN: readonly (readonly [string, number, number, boolean])[] = [
    ['before it was settled, a moment later', -1, 1, true], ['before it was settled, by a clock far behind, long after', -300_000, 5_000, false], ['after it was settled', 0, 1, false],
  ]
  for (const [when, asked, later, shared] of OVERTAKEN) {
    it(`a request asked ${when} ${shared ? 'shares' : 'does not share'} what was denied`, async () => {
      const first = await world.raise({ agent: { id: 'overtaken' } })
      granted(await world.decide(first, 'bo', 'deny', 'no'))
      const settledAt = world.clock.now()
      world.clock.advance(later)
      const second = await world.raise({ agent: first.agent, at: settledAt + asked })
      assert.equal(granted(await world.service().admin.show(second.id)).approval.id === first.id, shared)
      await world.service().admin.revoke({ id: second.id, by: 'op', reason: 'clean' })
    })
  }

  it('an empty idempotency key is one like any other', async () => {
    assert.equal(await world.state(await world.raise({ agent: { id: 'empty-key' }, idempotencyKey: '' })), 'pending')
  })

  it('an id that another call has already is refused to a second one', async () => {
    const first = await world.raise()
    const thief = world.ask({ id: first.id })
    await world.deliver(requestedEvent(thief))
    assert.equal(granted(await world.service().admin.show(first.id)).approval.run, first.agent.run)
    assert.ok((await world.service().admin.poisoned()).some(({ why }) => why === `the id ${first.id} is taken`))
  })

  it('a request over the size of a document lies in the blob store until its case retires', async () => {
    const text = JSON.stringify({ data: 'x'.repeat(2 * 1024 * 1024) })
    const request = await world.raise({ agent: { id: 'large' }, call: { body: { kind: 'json', text } } })
    assert.ok(granted(await world.service().admin.show(request.id)).card)
    assert.equal((await world.blobs.list('approval-requests/', { limit: 10 })).length, 1)
    world.clock.advance(1_800_000)
    await world.service().sweep()
    world.clock.advance(3_600_000)
    while (await world.service().sweep() > 0);
    assert.deepEqual(await world.blobs.list('approval-requests/', { limit: 10 }), [])
    assert.equal(granted(await world.service().admin.show(request.id)).card, undefined)
  })

  it('bytes of a large request that shares another one are not left behind', async () => {
    const body = { kind: 'json', text: JSON.stringify({ data: 'y'.repeat(1024 * 1024) }) } as const
    const first = await world.raise({ agent: { id: 'large' }, call: { body } })
    await world.deliver(requestedEvent({ ...first, id: 'apr_shares' }))
    assert.equal((await world.blobs.list('approval-requests/', { limit: 10 })).length, 1)
  })

  it('what the catalog knows of a method outweighs what the request says', async () => {
    const wary = await openWorld({}, { methods: () => aMethod({ risk: 'critical', change: true, returnsSecret: true }) })
    const request = await wary.raise({ call: { risk: 'read', change: false } })
    const { card } = granted(await wary.service().admin.show(request.id))
    assert.equal(card?.risk, 'critical')
    assert.match(card?.warnings.join() ?? '', /answer is a secret/)
    await wary.close()
  })
})
