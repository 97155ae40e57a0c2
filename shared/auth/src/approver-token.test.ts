import assert from 'node:assert/strict'
import type { Person, PersonId } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { checkApproverIssuerSettings, createApproverVerifier } from './approver-token.ts'
import { createPeopleDirectory } from './people.ts'
import type { ApproverIssuerSettings } from './settings.ts'
import { createPair, json, signToken, startLoopbackIssuer, type LoopbackIssuer, type SigningPair } from './testing/loopback-issuer.ts'

const DIGEST = 'full:3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

describe('auth: an approver\'s token', () => {
  let issuer: LoopbackIssuer
  let pair: SigningPair
  let clock = manualClock()
  const seconds = (): number => Math.floor(clock.now() / 1000)
  const person = (id: string, identities: Person['identities'], disabled = false): Person => ({ id: id as PersonId, name: id, groups: [], identities, disabled })
  const people = createPeopleDirectory([person('ada', [{ issuer: 'people', subject: 'u-ada' }, { email: 'ada@acme.example' }]), person('bob', [{ issuer: 'people', subject: 'u-bob' }], true)])

  const verify = async (claims: Record<string, unknown>, options: { header?: Record<string, unknown>, settings?: Partial<ApproverIssuerSettings>, digest?: string } = {}): Promise<Person | Refusal> => {
    const settings = { name: 'people', issuer: issuer.issuer, audience: 'lockkeeper-approvals', ...options.settings }
    const verifier = createApproverVerifier({ issuers: [settings], people, clock, mode: 'sandbox' })
    const token = await signToken(pair, { iss: issuer.issuer, aud: 'lockkeeper-approvals', sub: 'u-ada', nonce: DIGEST, iat: seconds(), exp: seconds() + 300, ...claims }, options.header)
    return verifier.verifyApproverToken(token, options.digest ?? DIGEST)
  }
  const accepted = async (...args: Parameters<typeof verify>): Promise<string> => {
    const outcome = await verify(...args)
    assert.ok(!isRefusal(outcome), isRefusal(outcome) ? outcome.message : '')
    return outcome.id
  }

  before(async () => {
    pair = await createPair('key')
    issuer = await startLoopbackIssuer([pair])
  })
  after(() => issuer.close())
  beforeEach(() => {
    clock = manualClock()
    issuer.jwks = undefined
  })

  it('a token whose nonce is the digest proves who decided', async () => {
    assert.equal(await accepted({}), 'ada')
    assert.equal(await accepted({ aud: ['lockkeeper-approvals', 'other'], azp: 'lockkeeper-approvals' }), 'ada')
  })

  describe('invariant 7: a token that does not prove this decision by this person is refused', () => {
    const hostile: Readonly<Record<string, readonly [Record<string, unknown>, RegExp, Parameters<typeof verify>[1]?]>> = {
      'the digest of another call': [{ nonce: DIGEST.replace('A', 'B') }, /nonce/],
      'a digest with something behind it': [{ nonce: `${DIGEST}A` }, /nonce/],
      'a digest in other case': [{ nonce: DIGEST.toLowerCase() }, /nonce/],
      'no nonce': [{ nonce: undefined }, /nonce/],
      'a nonce list': [{ nonce: [DIGEST] }, /nonce/],
      'an empty digest and an empty nonce': [{ nonce: '' }, /nonce/, { digest: '' }],
      'an agent\'s audience': [{ aud: 'lockkeeper' }, /audience/],
      'two audiences and no party': [{ aud: ['lockkeeper-approvals', 'other'] }, /azp/],
      'two audiences and another party': [{ aud: ['lockkeeper-approvals', 'other'], azp: 'other' }, /azp/],
      'an access token': [{}, /typ/, { header: { typ: 'at+jwt' } }],
      'an unknown person': [{ sub: 'u-eve' }, /no known person/],
      'a disabled person': [{ sub: 'u-bob' }, /disabled/],
      'a verified address where addresses do not count': [{ sub: 'u-eve', email: 'ada@acme.example', email_verified: true }, /no known person/],
      'an address that is not verified': [{ sub: 'u-eve', email: 'ada@acme.example' }, /no known person/, { settings: { matchEmail: true } }],
      'an address that is verified in text': [{ sub: 'u-eve', email: 'ada@acme.example', email_verified: 'true' }, /no known person/, { settings: { matchEmail: true } }],
      'an old token': [{ iat: 0, exp: 99_999_999_999 }, /older/],
      'no iat': [{ iat: undefined }, /iat/],
      'expired': [{ exp: 1 }, /expired/],
      'a requirement not met': [{ hd: 'evil.example' }, /requirement 1/, { settings: { require: ['claims.hd == "acme.example"'] } }],
      'another signer': [{}, /key/, { header: { kid: 'other' } }],
    }
    for (const [what, [claims, message, options]] of Object.entries(hostile)) {
      it(what, async () => {
        const outcome = await verify(claims, options)
        assert.ok(isRefusal(outcome), 'was accepted')
        assert.equal(outcome.reason, 'TOKEN_INVALID')
        assert.match(outcome.message, message)
        assert.ok(!outcome.message.includes(DIGEST))
      })
    }
  })

  it('a verified address counts where the settings say that it does', async () => {
    assert.equal(await accepted({ sub: 'u-eve', email: 'ADA@acme.example', email_verified: true }, { settings: { matchEmail: true } }), 'ada')
  })

  it('an issuer that cannot be reached is an outage, not a refused decision', async () => {
    issuer.jwks = json('', 500)
    const outcome = await verify({})
    assert.ok(isRefusal(outcome))
    assert.equal(outcome.reason, 'ISSUER_UNAVAILABLE')
  })

  it('invariant 7: an audience that agents\' tokens have as well is no audience for approvers', () => {
    const settings = { name: 'people', issuer: 'https://idp.example', audience: ['a', 'b'] }
    const check = (issuer: string, audience: string | string[]): readonly string[] => checkApproverIssuerSettings([settings], 'real', [{ issuer, audience }]).map(({ path }) => path.join('.'))
    assert.deepEqual(check('https://idp.example', ['lockkeeper', 'b']), ['0.audience'])
    assert.deepEqual(check('https://idp.example', 'lockkeeper'), [])
    assert.deepEqual(check('https://other.example', 'a'), [])
  })

  it('invariant 14: settings are checked like those of agents\' issuers', () => {
    const settings = { name: 'people', issuer: 'http://people.example', audience: 'a', require: ['1'] }
    assert.deepEqual(checkApproverIssuerSettings([settings], 'real').map(({ path }) => path.join('.')), ['0.issuer'])
    assert.deepEqual(checkApproverIssuerSettings([{ ...settings, issuer: 'https://people.example', agent: {} }], 'real').length, 1)
    assert.throws(() => createApproverVerifier({ issuers: [settings], people, clock, mode: 'real' }), TypeError)
  })
})
