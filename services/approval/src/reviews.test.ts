import assert from 'node:assert/strict'
import { sign, type KeyObject } from 'node:crypto'
import { isRefusal } from '@lockkeeper/domain/errors'
import { EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { disable, granted, openWorld, person, refusedWith, STRANGER, TERMINAL, type Ask, type World } from '../test/harness.ts'
import { PATTERN } from '../test/deletions.ts'
import { terminalDecisionBytes } from './proof.ts'
import { closingDecision } from './reviews.ts'

const DAY = 86_400_000
/** Two must approve; bo and the sponsor ana are named for break-glass. */
const TERMS = { quorum: 2, reviewers: ['person:cy', 'person:di', 'person:ana'], breakGlass: ['person:bo', 'person:ana'] }

describe('break-glass', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  const raise = (changes: Ask = {}): Promise<AccessRequest> => world.raise({ terms: TERMS, ...changes })
  const breakGlass = (request: AccessRequest, who: string, reason: string | undefined = 'the site is down') =>
    world.service().admin.decide(world.signed(request, who, 'approve', { breakGlass: true, ...reason === undefined ? {} : { reason } }))
  interface Closing { readonly note?: string, readonly key?: KeyObject, readonly signedNote?: string, readonly about?: string }
  const close = (review: string, who: string, { note = 'it was right', key = TERMINAL.privateKey, signedNote = note, about = review }: Closing = {}) => {
    const at = world.clock.now()
    const signature = sign(null, terminalDecisionBytes({ ...closingDecision(about, signedNote), person: who, at }), key).toString('base64url')
    return world.service().admin.closeReview({ review, note, proof: { kind: 'terminal', person: who, at, signature } })
  }
  const reviewOf = async (request: AccessRequest): Promise<string> => granted(await breakGlass(request, 'bo')).review ?? assert.fail('no review was opened')

  it('who is named lets the call through at once and alone, loudly, and a review stays open', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-glass' }, async ({ event }) => facts.add(event))
    const request = await raise()
    const decided = granted(await breakGlass(request, 'bo'))
    assert.deepEqual({ ...decided, review: undefined }, { approval: request.id, state: 'approved', person: 'bo', approvals: 1, quorum: 1, review: undefined })
    granted(await world.claim(request))
    await facts.until((all) => all.some(({ type }) => type === 'review.opened'))
    const of = (type: string) => facts.items.find((event) => event.type === type && event.subject === request.id)?.data as { readonly breakGlass?: true, readonly reason?: string, readonly by: readonly string[] } | undefined
    assert.equal(of('approval.approved')?.breakGlass, true)
    assert.deepEqual([of('review.opened')?.by, of('review.opened')?.reason], [['bo'], 'the site is down'])
    assert.ok(world.logged.some((line) => line.startsWith('warn BREAK-GLASS')))
    assert.ok((await world.service().admin.listReviews()).some(({ id, open }) => id === decided.review && open))
    for (const { type, data } of facts.items) EVENT_DATA[type as 'approval.approved'].parse(data)
    await subscription.close()
  })

  const MAY_NOT: readonly (readonly [string, string, Ask, string | undefined, string])[] = [
    ['a reviewer whom the rule does not name for it', 'cy', {}, 'r', 'POLICY_DENIED'],
    ['the sponsor, although the rule names them', 'ana', {}, 'r', 'POLICY_DENIED'],
    ['a member of the delegation chain', 'bo', { agent: { chain: [{ issuer: 'test', subject: 'bo' }] } }, 'r', 'POLICY_DENIED'],
    ['anyone where the rule names nobody', 'bo', { terms: { ...TERMS, breakGlass: undefined } as never }, 'r', 'POLICY_DENIED'],
    ['one who gives no reason', 'bo', {}, undefined, 'REQUEST_INVALID'],
    ['one who gives an empty reason', 'bo', {}, '   ', 'REQUEST_INVALID'],
  ]
  for (const [who, name, ask, reason, wanted] of MAY_NOT) {
    it(`invariant 6: ${who} does not break the glass, and the try is kept`, async () => {
      const request = await world.raise({ terms: TERMS, ...ask })
      assert.equal(refusedWith(await world.service().admin.decide(world.signed(request, name, 'approve', { breakGlass: true, ...reason === undefined ? {} : { reason } }))), wanted)
      const { approval, refused } = granted(await world.service().admin.show(request.id))
      assert.deepEqual([approval.state, refused.length], ['pending', 1])
    })
  }

  it('invariant 6: for a sponsor that nobody knows one who breaks the glass is not enough', async () => {
    const request = await raise({ agent: { sponsor: 'nobody', sponsorPerson: undefined }, terms: { ...TERMS, breakGlass: ['person:bo', 'person:di'] } })
    const first = granted(await breakGlass(request, 'bo'))
    assert.deepEqual([first.state, first.review, first.quorum], ['pending', undefined, 2])
    assert.equal(granted(await breakGlass(request, 'di')).state, 'approved')
  })

  it('invariant 6: one who broke the glass does not count among the reviewers as well', async () => {
    const request = await raise({ terms: { ...TERMS, reviewers: ['person:bo', 'person:cy'] }, agent: { sponsor: 'nobody', sponsorPerson: undefined } })
    assert.equal(granted(await breakGlass(request, 'bo')).state, 'pending')
    assert.equal(granted(await world.decide(request, 'cy')).state, 'pending')
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'REQUEST_INVALID')
  })

  it('a reviewer who has approved may still break the glass when the others do not come', async () => {
    const request = await raise({ terms: { ...TERMS, reviewers: ['person:bo', 'person:cy'] } })
    assert.equal(granted(await world.decide(request, 'bo')).state, 'pending')
    assert.equal(granted(await breakGlass(request, 'bo')).state, 'approved')
  })

  it('invariant 6: one who is disabled before the claim takes the broken glass along', async () => {
    world.people.persons.push({ id: person('eve'), name: 'eve', groups: [], identities: [] })
    const request = await raise({ terms: { ...TERMS, breakGlass: ['person:eve'] } })
    granted(await breakGlass(request, 'eve'))
    disable(world.people, 'eve')
    assert.equal(refusedWith(await world.claim(request)), 'STATE_CHANGED')
  })

  it('a lock stops who breaks the glass, too', async () => {
    const request = await raise({ agent: { id: 'locked' } })
    granted(await world.service().admin.setLock({ scope: { kind: 'agent', agent: 'locked' }, reason: 'odd', by: 'op' }))
    assert.equal(refusedWith(await breakGlass(request, 'bo')), 'AGENT_LOCKED')
  })

  it('invariant 7: breaking the glass approves no pattern', async () => {
    const request = await raise()
    assert.equal(refusedWith(await world.service().admin.decide(world.signed(request, 'bo', 'approve', { breakGlass: true, grant: PATTERN, reason: 'r' }))), 'REQUEST_INVALID')
  })

  for (const changes of [{ breakGlass: true as const }, { grant: PATTERN }]) {
    it(`invariant 7: a denial with ${Object.keys(changes).join()} is none`, async () => {
      const request = await raise()
      assert.equal(refusedWith(await world.service().admin.decide(world.signed(request, 'cy', 'deny', { ...changes, reason: 'r' }))), 'REQUEST_INVALID')
      assert.equal(await world.state(request), 'pending')
    })
  }

  it('another person who could have decided the call closes its review, once', async () => {
    const review = await reviewOf(await raise())
    const closed = granted(await close(review, 'cy'))
    assert.deepEqual([closed.open, closed.closed?.by, closed.closed?.note], [false, 'cy', 'it was right'])
    assert.ok(!(await world.service().admin.listReviews()).some(({ id }) => id === review))
    assert.ok((await world.service().admin.listReviews({ open: false })).some(({ id }) => id === review))
    world.clock.advance(1)
    assert.equal(refusedWith(await close(review, 'di')), 'NOT_FOUND')
  })

  const CLOSERS: readonly (readonly [string, string, Closing, string])[] = [
    ['who broke the glass', 'bo', {}, 'POLICY_DENIED'], ['the sponsor', 'ana', {}, 'POLICY_DENIED'], ['a person without a part in it', 'eve', {}, 'POLICY_DENIED'],
    ['a stranger\'s key', 'cy', { key: STRANGER.privateKey }, 'TOKEN_INVALID'], ['a proof of another note', 'cy', { signedNote: 'another' }, 'TOKEN_INVALID'],
    ['a proof about another review', 'cy', { about: 'rev_other1' }, 'TOKEN_INVALID'], ['an empty note', 'cy', { note: ' ' }, 'REQUEST_INVALID'],
  ]
  for (const [who, name, changes, wanted] of CLOSERS) {
    it(`invariant 6: a review is not closed by ${who}`, async () => {
      if (!world.people.persons.some(({ id }) => id === 'eve')) world.people.persons.push({ id: person('eve'), name: 'eve', groups: [], identities: [] })
      const review = await reviewOf(await raise())
      assert.equal(refusedWith(await close(review, name, changes)), wanted)
      assert.ok((await world.service().admin.listReviews()).some(({ id }) => id === review))
    })
  }

  it('invariant 7: a decision about the call closes no review, and closing one decides no call', async () => {
    const request = await raise()
    const review = await reviewOf(request)
    const { proof } = world.signed(request, 'cy', 'approve', { reason: 'n' })
    assert.equal(refusedWith(await world.service().admin.closeReview({ review, note: 'n', proof })), 'TOKEN_INVALID')
    const at = world.clock.now()
    const signature = sign(null, terminalDecisionBytes({ ...closingDecision(review, 'n'), person: 'cy', at }), TERMINAL.privateKey).toString('base64url')
    const second = await raise()
    assert.equal(refusedWith(await world.service().admin.decide({ approval: second.id, digest: second.attach.digest, verdict: 'approve', reason: 'n', proof: { kind: 'terminal', person: 'cy', at, signature } })), 'TOKEN_INVALID')
  })

  it('a review stays open and can be closed long after its call is gone', async () => {
    const request = await raise()
    const review = await reviewOf(request)
    world.clock.advance(100 * DAY)
    while (await world.service().sweep() > 0);
    const opened = (await world.service().admin.listReviews()).find(({ id }) => id === review)
    assert.equal(opened?.deleteAt, undefined)
    assert.equal(granted(await close(review, 'di')).open, false)
  })

  for (const request of [undefined, {}, { review: 'rev_x' }, { review: '../x', note: 'n', proof: {} }, 7]) {
    it(`closing with ${JSON.stringify(request)} is malformed`, async () => assert.equal(refusedWith(await world.service().admin.closeReview(request)), 'REQUEST_INVALID'))
  }

  it('invariant 6: the refusal names no one who may', async () => {
    const refused = await breakGlass(await raise(), 'cy')
    assert.ok(isRefusal(refused))
    assert.doesNotMatch(refused.message, /\bbo\b/)
  })
})
