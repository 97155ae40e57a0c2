import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { PasskeyAssertion } from '@lockkeeper/domain/events'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { disable, granted, openWorld, person, refusedWith, type World } from '../test/harness.ts'
import { ORIGIN, RP_ID, softwarePasskey, type Bent, type SoftwarePasskey } from '../test/software-passkey.ts'
import { codeChallenge, decisionChallenge, registrationChallenge, signInChallenge } from './passkey-proof.ts'
import type { SubmittedDecision } from './proof.ts'

const PLACE = { rpId: RP_ID, origins: () => [ORIGIN] }

async function register(world: World, who: string, key: SoftwarePasskey, bent?: Bent): Promise<unknown> {
  const { passkeys } = world.service()
  const code = passkeys.openCode(person(who))
  const { challenge } = granted(await passkeys.beginRegistration({ code }))
  return passkeys.finishRegistration({ code, label: 'test key', credential: key.create(challenge, bent) })
}

type Said = Partial<Omit<SubmittedDecision, 'proof'>> & { readonly at?: number }

function decisionBy(world: World, request: AccessRequest, key: SoftwarePasskey, { at = world.clock.now(), ...said }: Said = {}, bent?: Bent): SubmittedDecision {
  const decision = { approval: request.id, digest: request.attach.digest, verdict: 'approve' as const, ...said }
  return { ...decision, proof: { kind: 'passkey', at, assertion: key.get(decisionChallenge({ ...decision, at }), bent) } }
}

describe('invariant 7: passkeys as proof', () => {
  let world: World
  let bo: SoftwarePasskey
  beforeEach(async () => {
    world = await openWorld({}, { passkeys: PLACE })
    bo = softwarePasskey()
    granted(await register(world, 'bo', bo) as object)
  })
  afterEach(() => world.close())

  it('a passkey of a reviewer approves exactly the call that it signed, and once', async () => {
    const request = await world.raise()
    const decision = decisionBy(world, request, bo)
    assert.equal(granted(await world.service().admin.decide(decision)).state, 'approved')
    assert.equal(refusedWith(await world.service().admin.decide(decision)), 'TOKEN_INVALID')
  })

  it('a denial with its reason is signed too', async () => {
    const request = await world.raise()
    const decided = granted(await world.service().admin.decide(decisionBy(world, request, bo, { verdict: 'deny', reason: 'not today' })))
    assert.deepEqual([decided.state, decided.person], ['denied', 'bo'])
  })

  const bends: readonly (readonly [string, Bent])[] = [
    ['of another origin', { origin: 'http://localhost:9999' }],
    ['of an origin that only begins alike', { origin: `${ORIGIN}.evil.example` }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['without user verification', { flags: 0x01 }],
    ['without anybody present', { flags: 0x04 }],
    ['made as a registration', { type: 'webauthn.create' }],
    ['signed by another key', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }],
    ['with a counter that went back', { counter: 0 }],
  ]
  for (const [what, bent] of bends) {
    it(`an assertion ${what} proves nothing`, async () => {
      const first = await world.raise()
      granted(await world.service().admin.decide(decisionBy(world, first, bo, {}, { counter: 7 })))
      const request = await world.raise()
      assert.equal(refusedWith(await world.service().admin.decide(decisionBy(world, request, bo, {}, { counter: 8, ...bent }))), 'TOKEN_INVALID')
      assert.equal(await world.state(request), 'pending')
    })
  }

  const changes: readonly (readonly [string, (decision: SubmittedDecision, other: AccessRequest) => object])[] = [
    ['another verdict', (decision) => ({ ...decision, verdict: 'deny' })],
    ['another reason', (decision) => ({ ...decision, reason: 'changed' })],
    ['another request', (decision, { id }) => ({ ...decision, approval: id })],
    ['break-glass', (decision) => ({ ...decision, breakGlass: true })],
    ['a pattern', (decision) => ({ ...decision, grant: { resources: ['//storage.googleapis.com/**'], arguments: {}, run: false, uses: 5, forMs: 60_000 } })],
    ['a later time', (decision) => ({ ...decision, proof: { ...decision.proof, at: world.clock.now() + 1 } })],
  ]
  for (const [what, change] of changes) {
    it(`an assertion does not stretch to ${what}`, async () => {
      const [request, other] = [await world.raise(), await world.raise()]
      assert.equal(refusedWith(await world.service().admin.decide(change(decisionBy(world, request, bo), other))), 'TOKEN_INVALID')
      assert.equal(await world.state(request), 'pending')
    })
  }

  it('an old assertion and one from the future prove nothing', async () => {
    const request = await world.raise()
    for (const at of [world.clock.now() - 300_001, world.clock.now() + 6_000]) assert.equal(refusedWith(await world.service().admin.decide(decisionBy(world, request, bo, { at }))), 'TOKEN_INVALID')
  })

  it('a sign-in is no decision, and a decision is no sign-in', async () => {
    const request = await world.raise()
    const at = world.clock.now()
    const nonce = 'n'.repeat(43)
    const signIn = bo.get(signInChallenge(nonce, at))
    assert.equal(refusedWith(await world.service().admin.decide({ approval: request.id, digest: request.attach.digest, verdict: 'approve', proof: { kind: 'passkey', at, assertion: signIn } })), 'TOKEN_INVALID')
    assert.deepEqual(await world.service().passkeys.signIn({ nonce, at, assertion: signIn }), { person: 'bo' })
    const decision = decisionBy(world, request, bo)
    assert.equal(refusedWith(await world.service().passkeys.signIn({ nonce, at, assertion: (decision.proof as { assertion: PasskeyAssertion }).assertion })), 'TOKEN_INVALID')
  })

  it('invariant 6: the sponsor\'s passkey does not approve their own agent\'s call', async () => {
    const ana = softwarePasskey()
    granted(await register(world, 'ana', ana) as object)
    const request = await world.raise()
    assert.equal(refusedWith(await world.service().admin.decide(decisionBy(world, request, ana))), 'POLICY_DENIED')
  })

  it('the passkey of a disabled person, and one that was removed, prove nothing', async () => {
    const request = await world.raise()
    disable(world.people, 'bo')
    assert.equal(refusedWith(await world.service().admin.decide(decisionBy(world, request, bo))), 'TOKEN_INVALID')
    const cy = softwarePasskey()
    granted(await register(world, 'cy', cy) as object)
    const [listed] = await world.service().passkeys.listPasskeys('cy')
    assert.equal(refusedWith(await world.service().passkeys.removePasskey({ id: listed?.id ?? '', person: 'bo' })), 'NOT_FOUND')
    granted(await world.service().passkeys.removePasskey({ id: listed?.id ?? '', person: 'cy' }))
    assert.equal(refusedWith(await world.service().admin.decide(decisionBy(world, request, cy))), 'TOKEN_INVALID')
  })

  it('without a place for passkeys none counts', async () => {
    const bare = await openWorld()
    try {
      const request = await bare.raise()
      assert.equal(refusedWith(await bare.service().admin.decide(decisionBy(bare, request, bo))), 'TOKEN_INVALID')
      assert.equal(refusedWith(await bare.service().passkeys.beginRegistration({ code: 'AAAAA' })), 'REQUEST_INVALID')
    } finally {
      await bare.close()
    }
  })
})

describe('registering a passkey', () => {
  let world: World
  beforeEach(async () => { world = await openWorld({}, { passkeys: PLACE }) })
  afterEach(() => world.close())

  it('a code makes one passkey, for its own person, however it is written', async () => {
    const { passkeys } = world.service()
    const key = softwarePasskey()
    const code = passkeys.openCode(person('bo'))
    const started = granted(await passkeys.beginRegistration({ code: code.toLowerCase().replaceAll('-', ' ') }))
    assert.deepEqual([started.person, started.rpId], ['bo', RP_ID])
    const made = granted(await passkeys.finishRegistration({ code, label: 'phone', credential: key.create(started.challenge) }))
    assert.deepEqual([made.person, made.label], ['bo', 'phone'])
    assert.equal(refusedWith(await passkeys.finishRegistration({ code, label: 'phone', credential: softwarePasskey().create(started.challenge) })), 'TOKEN_INVALID')
  })

  it('of two registrations with one code at once, one succeeds', async () => {
    const { passkeys } = world.service()
    const code = passkeys.openCode(person('bo'))
    const { challenge } = granted(await passkeys.beginRegistration({ code }))
    const both = await Promise.all([1, 2].map(() => passkeys.finishRegistration({ code, label: 'x', credential: softwarePasskey().create(challenge) })))
    assert.equal(both.filter((each) => !isRefusal(each)).length, 1)
  })

  const faults: readonly (readonly [string, Bent])[] = [
    ['of another origin', { origin: 'https://evil.example' }], ['for another relying party', { rpId: 'evil.example' }],
    ['without user verification', { flags: 0x41 }], ['made as an assertion', { type: 'webauthn.get' }],
  ]
  for (const [what, bent] of faults) it(`a passkey ${what} is not registered`, async () => assert.equal(refusedWith(await register(world, 'bo', softwarePasskey(), bent)), 'TOKEN_INVALID'))

  it('a passkey made for another code\'s person is not registered', async () => {
    const { passkeys } = world.service()
    const [ofBo, ofCy] = [passkeys.openCode(person('bo')), passkeys.openCode(person('cy'))]
    const { challenge } = granted(await passkeys.beginRegistration({ code: ofBo }))
    assert.equal(refusedWith(await passkeys.finishRegistration({ code: ofCy, label: 'x', credential: softwarePasskey().create(challenge) })), 'TOKEN_INVALID')
  })

  it('a code ends after an hour, with the next one for the same person, and after too many wrong ones', async () => {
    const { passkeys } = world.service()
    const first = passkeys.openCode(person('bo'))
    const second = passkeys.openCode(person('bo'))
    assert.equal(refusedWith(await passkeys.beginRegistration({ code: first })), 'TOKEN_INVALID')
    granted(await passkeys.beginRegistration({ code: second }))
    world.clock.advance(3_600_001)
    assert.equal(refusedWith(await passkeys.beginRegistration({ code: second })), 'TOKEN_INVALID')
    const third = passkeys.openCode(person('bo'))
    for (let tries = 0; tries < 20; tries += 1) await passkeys.beginRegistration({ code: `WRONG${tries}` })
    assert.equal(refusedWith(await passkeys.beginRegistration({ code: third })), 'TOKEN_INVALID')
  })

  it('one passkey opens a code for another of the same person, and of nobody else', async () => {
    const { passkeys } = world.service()
    const key = softwarePasskey()
    granted(await register(world, 'bo', key) as object)
    const at = world.clock.now()
    const asked = granted(await passkeys.codeByPasskey({ at, person: 'bo', assertion: key.get(codeChallenge('bo', at)) }))
    granted(await passkeys.beginRegistration({ code: asked.code }))
    assert.equal(refusedWith(await passkeys.codeByPasskey({ at, person: 'cy', assertion: key.get(codeChallenge('cy', at)) })), 'TOKEN_INVALID')
  })

  it('what is malformed is refused', async () => {
    const { passkeys } = world.service()
    for (const bad of [undefined, {}, { code: 1 }, { code: 'x', person: 'bo' }]) assert.equal(refusedWith(await passkeys.beginRegistration(bad)), 'REQUEST_INVALID')
    for (const bad of [{}, { code: 'x', label: '', credential: {} }]) assert.equal(refusedWith(await passkeys.finishRegistration(bad)), 'REQUEST_INVALID')
    for (const bad of [{}, { nonce: 'short', at: 1, assertion: {} }]) assert.equal(refusedWith(await passkeys.signIn(bad)), 'REQUEST_INVALID')
    assert.throws(() => passkeys.openCode(person('nobody')), TypeError)
    assert.notEqual(registrationChallenge('bo', 'x'), registrationChallenge('cy', 'x'))
  })
})

describe('what the console asks the approval service', () => {
  let world: World
  beforeEach(async () => { world = await openWorld({}, { passkeys: PLACE }) })
  afterEach(() => world.close())

  it('the inbox names who may decide, and drops what is over', async () => {
    const request = await world.raise()
    const { waiting, mode } = await world.service().admin.waiting()
    assert.equal(mode, 'sandbox')
    assert.deepEqual(waiting.map(({ id, quorum, approvedBy }) => [id, quorum, approvedBy]), [[request.id, 1, []]])
    assert.ok(waiting[0]?.reviewers.includes(person('bo')))
    assert.ok(!waiting[0]?.reviewers.includes(person('ana')), 'the sponsor may not')
    world.clock.advance(1_800_001)
    assert.deepEqual((await world.service().admin.waiting()).waiting, [])
  })

  it('the inbox comes page by page', async () => {
    for (let count = 0; count < 3; count += 1) await world.raise()
    const first = await world.service().admin.waiting({ limit: 2 })
    assert.equal(first.waiting.length, 2)
    const second = await world.service().admin.waiting({ limit: 2, cursor: first.cursor ?? '' })
    assert.equal(new Set([...first.waiting, ...second.waiting].map(({ id }) => id)).size, 3)
  })

  it('a card says what can be decided beyond yes and no', async () => {
    const { offer } = granted(await world.service().admin.show((await world.raise({ call: { risk: 'high' }, terms: { reasonRequired: true } })).id))
    assert.equal(offer.reasonRequired, true)
    assert.deepEqual([offer.pattern?.maxUses, offer.breakGlass], [20, []])
    const critical = granted(await world.service().admin.show((await world.raise({ call: { risk: 'critical', path: '/other' } })).id))
    assert.equal(critical.offer.pattern, undefined)
    const without = granted(await world.service().admin.show((await world.raise({ call: { path: '/third' }, terms: { patterns: false } })).id))
    assert.equal(without.offer.pattern, undefined)
  })
})
