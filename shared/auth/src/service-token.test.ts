import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { checkServiceIssuers, createServiceVerifier, type ServiceIssuerSettings } from './service-token.ts'
import { createPair, json, signToken, startLoopbackIssuer, type LoopbackIssuer, type SigningPair } from './testing/loopback-issuer.ts'

const AUDIENCE = 'https://approval.example'
const PROXY = 'proxy@gateway.iam.gserviceaccount.com'

describe('auth: a service account\'s token', () => {
  let issuer: LoopbackIssuer
  let pair: SigningPair
  const clock = manualClock()
  const seconds = (): number => Math.floor(clock.now() / 1000)
  const claims = (): Record<string, unknown> => ({ iss: issuer.issuer, aud: AUDIENCE, sub: '1042', email: PROXY, email_verified: true, iat: seconds(), exp: seconds() + 3600 })
  const verifier = (settings: Partial<ServiceIssuerSettings> = {}, allowed: readonly string[] = [PROXY]) =>
    createServiceVerifier({ issuers: [{ issuer: issuer.issuer, ...settings }], audience: AUDIENCE, allowed, clock, mode: 'sandbox' })
  const outcome = async (more: Record<string, unknown>, settings?: Partial<ServiceIssuerSettings>, header?: Record<string, unknown>) => {
    const found = await verifier(settings).verify(`Bearer ${await signToken(pair, { ...claims(), ...more }, header)}`)
    return isRefusal(found) ? found.reason : found.email
  }

  before(async () => {
    pair = await createPair('key', 'RS256')
    issuer = await startLoopbackIssuer([pair])
  })
  after(() => issuer.close())
  beforeEach(() => { issuer.jwks = undefined })

  it('a token of an allowed account for this audience is accepted', async () => {
    assert.equal(await outcome({}), PROXY)
    assert.equal(await outcome({ email: PROXY.toUpperCase() }), PROXY)
    assert.equal(await outcome({ aud: [AUDIENCE] }), PROXY)
  })

  const HOSTILE: Readonly<Record<string, readonly [Record<string, unknown>, string]>> = {
    'another service\'s audience': [{ aud: 'https://audit.example' }, 'TOKEN_INVALID'],
    'an audience that only begins alike': [{ aud: `${AUDIENCE}/push` }, 'TOKEN_INVALID'],
    'several audiences': [{ aud: [AUDIENCE, 'https://other.example'] }, 'TOKEN_INVALID'],
    'another account': [{ email: 'agent@gateway.iam.gserviceaccount.com' }, 'CALLER_REFUSED'],
    'an address that contains an allowed one': [{ email: `${PROXY}.evil.example` }, 'CALLER_REFUSED'],
    'an address that is not verified': [{ email_verified: false }, 'TOKEN_INVALID'],
    'an address that nobody speaks of': [{ email_verified: undefined }, 'TOKEN_INVALID'],
    'a text in place of true': [{ email_verified: 'true' }, 'TOKEN_INVALID'],
    'no address': [{ email: undefined }, 'TOKEN_INVALID'],
    'a list of addresses': [{ email: [PROXY] }, 'TOKEN_INVALID'],
    'another issuer': [{ iss: 'https://accounts.google.com' }, 'TOKEN_INVALID'],
    'a token that ended': [{ iat: 1, exp: 2 }, 'TOKEN_INVALID'],
    'a token that never ends': [{ exp: undefined }, 'TOKEN_INVALID'],
    'a token that lives for a year': [{ iat: 1_000, exp: 99_999_999_999 }, 'TOKEN_INVALID'],
  }
  for (const [title, [more, reason]] of Object.entries(HOSTILE)) it(`${title} is refused`, async () => assert.equal(await outcome(more), reason))

  it('a header that is missing, malformed or of another scheme is refused', async () => {
    const reasons = await Promise.all([undefined, '', 'Basic eDp5', 'Bearer ', 'Bearer a b', 'Bearer not-a-token'].map(async (header) => {
      const found = await verifier().verify(header)
      return isRefusal(found) ? found.reason : 'accepted'
    }))
    assert.deepEqual(reasons, ['TOKEN_MISSING', 'TOKEN_MISSING', ...Array(4).fill('TOKEN_INVALID')])
  })

  it('a token of another key, of no key, or of another kind is refused', async () => {
    const other = await createPair('key', 'RS256')
    const found = await verifier().verify(`Bearer ${await signToken(other, claims())}`)
    assert.equal(isRefusal(found) && found.reason, 'TOKEN_INVALID')
    assert.equal(await outcome({}, {}, { kid: 'gone' }), 'TOKEN_INVALID')
    assert.equal(await outcome({}, {}, { typ: 'logout+jwt' }), 'TOKEN_INVALID')
  })

  it('a token whose signature Cloud Run has taken off proves nothing', async () => {
    const [header, payload] = (await signToken(pair, claims())).split('.')
    const found = await verifier().verify(`Bearer ${header}.${payload}.SIGNATURE_REMOVED_BY_GOOGLE`)
    assert.deepEqual([isRefusal(found) && found.reason, isRefusal(found) && found.message.includes('X-Serverless-Authorization')], ['TOKEN_INVALID', true])
  })

  it('an issuer without verified addresses is believed only where the settings say so, and never against its own word', async () => {
    assert.equal(await outcome({ email_verified: undefined }, { emailVerified: false }), PROXY)
    assert.equal(await outcome({ email_verified: false }, { emailVerified: false }), 'TOKEN_INVALID')
  })

  it('invariant 10: keys that cannot be fetched refuse with an outage, not with a verdict', async () => {
    issuer.jwks = json({}, 500)
    assert.equal(await outcome({}), 'ISSUER_UNAVAILABLE')
  })

  it('invariant 14: a plain http issuer or key set is refused in real mode', () => {
    const paths = (settings: readonly unknown[]) => checkServiceIssuers(settings, 'real').map(({ path }) => path.join('.'))
    assert.deepEqual(paths([{ issuer: issuer.issuer }]), ['0.issuer'])
    assert.deepEqual(paths([{ jwks: `${issuer.issuer}/jwks` }]), ['0.jwks'])
    assert.deepEqual(paths([{}]), [])
    assert.throws(() => createServiceVerifier({ issuers: [{ issuer: issuer.issuer }], audience: AUDIENCE, allowed: [PROXY], clock, mode: 'real' }), TypeError)
  })

  it('settings that name nobody, no audience, an issuer twice or an unknown key stop the start', () => {
    assert.throws(() => verifier({}, []), TypeError)
    assert.throws(() => createServiceVerifier({ audience: '', allowed: [PROXY], clock, mode: 'real' }), TypeError)
    assert.deepEqual(checkServiceIssuers([{}, {}], 'real').map(({ message }) => message), ['is there twice'])
    assert.equal(checkServiceIssuers([{ isuer: 'x' }], 'real').length, 1)
    assert.equal(checkServiceIssuers([], 'real').length, 1)
  })
})
