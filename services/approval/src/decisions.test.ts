import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type AccessRequest } from '@lockkeeper/domain/ports'
import { collector } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { deletion, PATTERN } from '../test/deletions.ts'
import { granted, openWorld, person, refusedWith, STRANGER, submittedEvent, TERMINAL, type World } from '../test/harness.ts'
import { idTokenNonce, terminalDecisionBytes, type SubmittedDecision } from './proof.ts'

const MINUTE = 60_000
type Terminal = Extract<SubmittedDecision['proof'], { kind: 'terminal' }>

describe('decisions', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  const proofOf = (decision: SubmittedDecision): Terminal => decision.proof as Terminal
  const resigned = (decision: SubmittedDecision, key = STRANGER.privateKey): SubmittedDecision => {
    const { person: who, at } = proofOf(decision)
    return { ...decision, proof: { ...proofOf(decision), signature: sign(null, terminalDecisionBytes({ ...decision, person: who, at }), key).toString('base64url') } }
  }

  type Broken = (decision: SubmittedDecision, request: AccessRequest) => unknown
  const HOSTILE: readonly (readonly [string, Broken, string])[] = [
    ['no proof', ({ proof: _proof, ...rest }) => rest, 'REQUEST_INVALID'],
    ['a proof of unknown kind', (decision) => ({ ...decision, proof: { kind: 'trust-me', person: 'bo' } }), 'REQUEST_INVALID'],
    ['an unknown member', (decision) => ({ ...decision, force: true }), 'REQUEST_INVALID'],
    ['an unknown verdict', (decision) => ({ ...decision, verdict: 'approved' }), 'REQUEST_INVALID'],
    ['an endless reason', (decision) => ({ ...decision, reason: 'x'.repeat(5000) }), 'REQUEST_INVALID'],
    ['an empty signature', (decision) => ({ ...decision, proof: { ...proofOf(decision), signature: '' } }), 'TOKEN_INVALID'],
    ['a signature of zeroes', (decision) => ({ ...decision, proof: { ...proofOf(decision), signature: Buffer.alloc(64).toString('base64url') } }), 'TOKEN_INVALID'],
    ['a signature with one bit changed', (decision) => ({ ...decision, proof: { ...proofOf(decision), signature: flipped(proofOf(decision).signature) } }), 'TOKEN_INVALID'],
    ['a signature with a second spelling', (decision) => ({ ...decision, proof: { ...proofOf(decision), signature: `${proofOf(decision).signature}=` } }), 'TOKEN_INVALID'],
    ['the signature of a stranger', (decision) => resigned(decision), 'TOKEN_INVALID'],
    ['another verdict than was signed', (decision) => ({ ...decision, verdict: 'deny' }), 'TOKEN_INVALID'],
    ['another reason than was signed', (decision) => ({ ...decision, reason: 'because' }), 'TOKEN_INVALID'],
    ['another person than signed', (decision) => ({ ...decision, proof: { ...proofOf(decision), person: 'cy' } }), 'TOKEN_INVALID'],
    ['another time than was signed', (decision) => ({ ...decision, proof: { ...proofOf(decision), at: proofOf(decision).at + 1 } }), 'TOKEN_INVALID'],
    ['another digest than was signed', (decision) => ({ ...decision, digest: 'full:other' }), 'TOKEN_INVALID'],
    ['another digest, signed', (decision) => resigned({ ...decision, digest: 'full:other' }, TERMINAL.privateKey), 'STATE_CHANGED'],
    ['a pattern that was not signed', (decision) => ({ ...decision, grant: PATTERN }), 'TOKEN_INVALID'],
    ['break-glass that was not signed', (decision) => ({ ...decision, breakGlass: true }), 'TOKEN_INVALID'],
    ['break-glass that says no', (decision) => ({ ...decision, breakGlass: false }), 'REQUEST_INVALID'],
    ['a pattern without bounds', (decision) => ({ ...decision, grant: { ...PATTERN, uses: undefined } }), 'REQUEST_INVALID'],
    ['a time that is not whole', (decision) => resigned({ ...decision, proof: { ...proofOf(decision), at: 1.5 } }, TERMINAL.privateKey), 'TOKEN_INVALID'],
    ['a person whom the terminal does not speak for', (decision) => resigned({ ...decision, proof: { ...proofOf(decision), person: 'mallory' } }, TERMINAL.privateKey), 'TOKEN_INVALID'],
    ['an ID token although none is accepted', (decision) => ({ ...decision, proof: { kind: 'idToken', token: 'a.b.c' } }), 'TOKEN_INVALID'],
  ]
  for (const [what, broken, reason] of HOSTILE) {
    it(`invariant 7: a decision with ${what} is refused`, async () => {
      const request = await world.raise()
      const decision = broken(world.signed(request, 'bo', 'approve'), request)
      assert.equal(refusedWith(await world.service().admin.decide(decision)), reason)
      await world.deliver(submittedEvent(decision, world.clock.now()))
      assert.equal(await world.state(request), 'pending')
    })
  }

  function flipped(signature: string): string {
    const bytes = Buffer.from(signature, 'base64url')
    bytes[10] = (bytes[10] ?? 0) ^ 1
    return bytes.toString('base64url')
  }

  const TIMES: readonly (readonly [string, number, string])[] = [
    ['a minute old', MINUTE, 'not refused'], ['over a minute old', MINUTE + 1, 'TOKEN_INVALID'], ['five seconds ahead', -5_000, 'not refused'], ['further ahead', -5_001, 'TOKEN_INVALID'],
  ]
  for (const [what, age, wanted] of TIMES) {
    it(`invariant 7: a signed decision that is ${what}: ${wanted}`, async () => {
      const request = await world.raise()
      world.clock.advance(2 * MINUTE)
      const fresh = await world.raise({ agent: request.agent, call: { path: '/p' } })
      world.clock.advance(MINUTE)
      assert.equal(refusedWith(await world.service().admin.decide(world.signed(fresh, 'bo', 'approve', { at: world.clock.now() - age }))), wanted)
    })
  }

  it('invariant 7: a proof is good once, also for a second request of the same call', async () => {
    const first = await world.raise()
    const decision = world.signed(first, 'bo', 'approve')
    granted(await world.service().admin.decide(decision))
    assert.equal(refusedWith(await world.service().admin.decide(decision)), 'TOKEN_INVALID')
    const second = await world.raise()
    assert.equal(refusedWith(await world.service().admin.decide({ ...decision, approval: second.id })), 'TOKEN_INVALID')
    assert.equal(await world.state(second), 'pending')
  })

  const REQUESTERS: readonly (readonly [string, Parameters<World['ask']>[0]])[] = [
    ['its sponsor', { agent: { sponsor: 'bo', sponsorPerson: person('bo') } }],
    ['its sponsor by e-mail address', { agent: { sponsor: 'bo@acme.test', sponsorPerson: undefined } }],
    ['a member of its delegation chain', { agent: { chain: [{ issuer: 'test', subject: 'bo' }] } }],
    ['the person behind the agent\'s own identity', { agent: { subject: 'bo' } }],
    ['no reviewer of it', { terms: { reviewers: ['person:cy'] } }],
  ]
  for (const [who, changes] of REQUESTERS) {
    it(`invariant 6: an approval by ${who} is refused and written down`, async () => {
      const request = await world.raise(changes)
      assert.equal(refusedWith(await world.decide(request, 'bo')), 'POLICY_DENIED')
      assert.equal(refusedWith(await world.decide(request, 'bo', 'deny', 'no')), 'POLICY_DENIED')
      const { approval, refused } = granted(await world.service().admin.show(request.id))
      assert.equal(approval.state, 'pending')
      assert.deepEqual(refused.map(({ person: by, reason }) => `${by} ${reason}`), ['bo POLICY_DENIED', 'bo POLICY_DENIED'])
    })
  }

  it('a decision that is refused is told once, with who and why, and changes nothing', async () => {
    const facts = collector<CloudEvent>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: 'test-refused' }, async ({ event }) => facts.add(event))
    const request = await world.raise({ terms: { reviewers: ['person:cy'] } })
    const event = submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now(), 'click-1')
    await world.deliver(event)
    await world.deliver(event)
    await world.deliver(submittedEvent({ ...world.signed(request, 'bo', 'deny'), proof: { kind: 'terminal', person: 'bo', at: world.clock.now(), signature: 'forged' } }, world.clock.now(), 'click-2'))
    granted(await world.decide(request, 'cy'))
    await facts.until((all) => all.some(({ type, subject }) => type === 'approval.approved' && subject === request.id))
    const refused = facts.items.filter(({ type, subject }) => type === 'decision.refused' && subject === request.id).map(({ data }) => EVENT_DATA['decision.refused'].parse(data))
    assert.deepEqual(refused.map(({ verdict, reason, person: by, event: of, mode }) => [verdict, reason, by, of, mode]), [['approve', 'POLICY_DENIED', 'bo', 'click-1', 'sandbox'], ['deny', 'TOKEN_INVALID', undefined, 'click-2', 'sandbox']])
    assert.doesNotMatch(JSON.stringify(refused), /forged/)
    await subscription.close()
  })

  it('invariant 6: an agent of unknown sponsor runs only with two persons', async () => {
    const request = await world.raise({ agent: { sponsor: 'who-is-this', sponsorPerson: undefined } })
    assert.equal(granted(await world.decide(request, 'bo')).state, 'pending')
    assert.equal(refusedWith(await world.claim(request)), 'APPROVAL_PENDING')
    assert.equal(granted(await world.decide(request, 'cy')).state, 'approved')
  })

  it('a rule that wants a reason takes no decision without one', async () => {
    const request = await world.raise({ terms: { reasonRequired: true } })
    for (const reason of [undefined, '', '   ']) {
      world.clock.advance(1)
      assert.equal(refusedWith(await world.decide(request, 'bo', 'approve', reason)), 'REQUEST_INVALID')
    }
    assert.equal(granted(await world.decide(request, 'bo', 'approve', 'ticket 7')).state, 'approved')
  })

  it('one denial of an eligible reviewer denies, and the agent gets the reason', async () => {
    const request = await world.raise({ terms: { quorum: 2 } })
    granted(await world.decide(request, 'bo'))
    assert.equal(granted(await world.decide(request, 'cy', 'deny', 'not on a Friday')).state, 'denied')
    const refused = await world.claim(request)
    assert.equal(isRefusal(refused) && refused.message, `${request.id} was denied: not on a Friday`)
    world.clock.advance(1)
    assert.equal(refusedWith(await world.decide(request, 'di')), 'APPROVAL_DENIED')
  })

  it('a malformed decision from the bus is dropped and kept as poisoned', async () => {
    const event = submittedEvent({ approval: 'apr_x' }, world.clock.now())
    await world.deliver(event)
    assert.ok((await world.service().admin.poisoned()).some((entry) => entry.event === event.id))
  })

  for (const id of ['', '/', '..', '../apr_x', 'heartbeat', 'apr_', `apr_${'a'.repeat(5000)}`, 'apr_\u0000', '__proto__']) {
    it(`an approval called ${JSON.stringify(id.slice(0, 20))} is none, for every door`, async () => {
      const { admin, api } = world.service()
      const request = { ...world.ask(), id }
      const decision = world.signed(request, 'bo', 'approve')
      assert.equal(refusedWith(await admin.decide(decision)), 'NOT_FOUND')
      await world.deliver(submittedEvent(decision, world.clock.now()))
      assert.equal(refusedWith(await admin.show(id)), 'NOT_FOUND')
      assert.equal(refusedWith(await admin.revoke({ id, by: 'op', reason: 'r' })), 'NOT_FOUND')
      assert.equal(refusedWith(await world.claim(request)), 'NOT_FOUND')
      assert.equal(refusedWith(await api.receipt({ approval: id, attach: request.attach })), 'NOT_FOUND')
      assert.equal(refusedWith(await api.complete({ approval: id, fence: `${id}.1`, outcome: { kind: 'unknown', why: '' } })), 'NOT_FOUND')
    })
  }

  it('a decision for an approval that is not there is refused and acknowledged', async () => {
    const request = world.ask()
    assert.equal(refusedWith(await world.service().admin.decide(world.signed(request, 'bo', 'approve'))), 'NOT_FOUND')
    await world.deliver(submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now()))
  })
})

describe('decisions by ID token', () => {
  const token = (claims: object, signature = 'sig'): string => `${part({ alg: 'none' })}.${part(claims)}.${signature}`
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  let up = true
  let world: World
  before(async () => {
    world = await openWorld({}, {
      verifyIdToken: async (given, digest) => {
        if (!up) return refuse('ISSUER_UNAVAILABLE', 'keys cannot be fetched')
        const claims = JSON.parse(Buffer.from(given.split('.')[1] ?? '', 'base64url').toString()) as { sub: string, nonce: string }
        return claims.nonce === digest ? { id: person(claims.sub) } : refuse('TOKEN_INVALID', 'wrong nonce')
      },
    })
  })
  after(() => world.close())

  const decision = (request: AccessRequest, claims: object, signature?: string): SubmittedDecision => ({
    approval: request.id, digest: request.attach.digest, verdict: 'approve',
    proof: { kind: 'idToken', token: token({ sub: 'bo', nonce: `approve:${request.id}:${request.attach.digest}`, iat: world.clock.now() / 1000, auth_time: world.clock.now() / 1000, ...claims }, signature) },
  })

  it('invariant 7: a critical call takes a sign-in that is newer than the request; others take any', async () => {
    const stale = [{ auth_time: undefined }, { auth_time: null }, { auth_time: '9999999999' }, { auth_time: world.clock.now() / 1000 - 61 }]
    for (const [index, claims] of stale.entries()) {
      const critical = await world.raise({ call: { path: `/critical/${index}` } })
      assert.equal(refusedWith(await world.service().admin.decide(decision(critical, claims))), 'TOKEN_INVALID')
      assert.equal(await world.state(critical), 'pending')
      const lesser = await world.raise({ call: { risk: 'high', path: `/high/${index}` } })
      assert.equal(granted(await world.service().admin.decide(decision(lesser, { ...claims, jti: `high-${index}` }))).state, 'approved')
    }
  })

  it('invariant 7: a token whose nonce names request and digest decides', async () => {
    const request = await world.raise()
    assert.equal(granted(await world.service().admin.decide(decision(request, {}))).state, 'approved')
  })

  const REFUSED: readonly (readonly [string, object, string])[] = [
    ['another nonce', { nonce: 'full:other' }, 'TOKEN_INVALID'],
    ['another request in its nonce', { nonce: 'approve:apr_another:full:x' }, 'TOKEN_INVALID'],
    ['the sponsor as its subject', { sub: 'ana' }, 'POLICY_DENIED'],
    ['no time of issue', { iat: undefined }, 'TOKEN_INVALID'],
    ['a time of issue that is text', { iat: '1' }, 'TOKEN_INVALID'],
  ]
  for (const [what, claims, reason] of REFUSED) {
    it(`invariant 7: a token with ${what} is refused`, async () => {
      const request = await world.raise()
      assert.equal(refusedWith(await world.service().admin.decide(decision(request, claims))), reason)
    })
  }

  it('invariant 7: a token that denies cannot be carried as an approval, nor the other way round', async () => {
    const request = await world.raise()
    const denying = { nonce: `deny:${request.id}:${request.attach.digest}`, jti: 'denies' }
    assert.equal(refusedWith(await world.service().admin.decide(decision(request, denying))), 'TOKEN_INVALID')
    assert.equal(refusedWith(await world.service().admin.decide({ ...decision(request, { jti: 'approves' }), verdict: 'deny' })), 'TOKEN_INVALID')
    assert.equal(granted(await world.service().admin.decide({ ...decision(request, denying), verdict: 'deny' })).state, 'denied')
  })

  it('invariant 7: a token for one thing that can be decided is none for another', async () => {
    const widened = { ...PATTERN, uses: PATTERN.uses + 1 }
    const said = { plain: {}, pattern: { grant: PATTERN }, widened: { grant: widened }, glass: { breakGlass: true as const, reason: 'r' } }
    for (const [signed, had] of Object.entries(said)) {
      for (const [sent, wanted] of Object.entries(said)) {
        const request = await world.raise({ call: deletion('first'), terms: { breakGlass: ['person:bo'] }, agent: { id: `${signed}-${sent}` } })
        const nonce = idTokenNonce({ approval: request.id, verdict: 'approve', digest: request.attach.digest, ...had })
        const outcome = refusedWith(await world.service().admin.decide({ ...decision(request, { nonce, jti: `${signed}-${sent}` }), ...wanted }))
        assert.equal(outcome, signed === sent ? 'not refused' : 'TOKEN_INVALID', `${signed} as ${sent}`)
      }
    }
  })

  it('invariant 7: a token for one agent\'s request is none for another agent\'s request for the very same call', async () => {
    const [shown, other] = [await world.raise({ agent: { id: 'one', run: 'r1' } }), await world.raise({ agent: { id: 'two', run: 'r2' } })]
    assert.equal(shown.attach.digest, other.attach.digest)
    const given = decision(shown, { jti: 'redirected' })
    assert.equal(refusedWith(await world.service().admin.decide({ ...given, approval: other.id })), 'TOKEN_INVALID')
    assert.equal(await world.state(other), 'pending')
    assert.equal(granted(await world.service().admin.decide(given)).state, 'approved')
  })

  it('invariant 7: a token that is older than the request is refused', async () => {
    const request = await world.raise()
    assert.equal(refusedWith(await world.service().admin.decide(decision(request, { iat: world.clock.now() / 1000 - 61 }))), 'TOKEN_INVALID')
  })

  it('invariant 7: a token used once decides nothing more, under no other signature either', async () => {
    const request = await world.raise({ terms: { quorum: 2 } })
    assert.equal(granted(await world.service().admin.decide(decision(request, { jti: 'twice' }))).state, 'pending')
    for (const signature of ['sig', 'other']) {
      const again = await world.service().admin.decide(decision(request, { jti: 'twice' }, signature))
      assert.match(isRefusal(again) ? `${again.reason} ${again.message}` : 'not refused', /^TOKEN_INVALID .* used before/)
    }
  })

  it('invariant 3: no token and no signature is kept or logged', async () => {
    const request = await world.raise()
    const canary = 'canary-77a0e1'
    await world.service().admin.decide(decision(request, { jti: 'kept' }, canary))
    await world.service().admin.decide(decision(request, { sub: 'ana', jti: 'kept' }, canary))
    await world.store().close()
    for (const file of readdirSync(world.dir)) {
      if (file.startsWith('store')) assert.equal(readFileSync(join(world.dir, file)).includes(canary), false, file)
    }
    assert.doesNotMatch(world.logged.join(), new RegExp(canary))
    await world.reopen()
  })

  it('invariant 10: while the issuer is out of reach a decision from the bus is given back, not lost', async () => {
    const request = await world.raise()
    const event = submittedEvent(decision(request, { jti: 'later' }), world.clock.now())
    up = false
    await assert.rejects(world.deliver(event), PortUnavailable)
    assert.equal(refusedWith(await world.service().admin.decide(decision(request, { jti: 'now' }))), 'ISSUER_UNAVAILABLE')
    up = true
    await world.deliver(event)
    assert.equal(await world.state(request), 'approved')
  })
})
