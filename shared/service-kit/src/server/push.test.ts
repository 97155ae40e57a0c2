import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { systemClock } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { createPushers, createServiceServer, PUSH_BYTES, type ServiceServer } from './index.ts'

const ISSUER = 'http://127.0.0.1:9/accounts'
const ORIGIN = 'https://approval.example'
const PUSHER = 'pusher@gateway.iam.gserviceaccount.com'

describe('service-kit: push endpoints', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' }] }
  const token = (claims: object = {}): string => {
    const iat = Math.floor(systemClock.now() / 1000)
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ alg: 'EdDSA', kid: 'k' })}.${part({ iss: ISSUER, aud: `${ORIGIN}/push/one`, sub: '1', email: PUSHER, email_verified: true, iat, exp: iat + 3600, ...claims })}`
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
  }
  const pushers = createPushers({ issuers: [{ issuer: ISSUER, jwks, algorithms: ['EdDSA'], emailVerified: true }], origin: ORIGIN, account: PUSHER }, [{ id: 'one', pushPath: '/push/one' }, { id: 'two' }], { clock: systemClock, mode: 'sandbox' })
  const received: { readonly id: string, readonly bytes: number, readonly authorization: string | undefined }[] = []
  let server: ServiceServer
  let origin: string
  before(async () => {
    const quiet = (): void => undefined
    server = createServiceServer({
      routes: [pushers.mount(async (id, { body, authorization }) => {
        received.push({ id, bytes: body.length, authorization })
        return { status: 204 }
      })],
      readiness: () => [], log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, limits: { bodyBytes: PUSH_BYTES },
    })
    origin = `http://127.0.0.1:${(await server.start(0, '127.0.0.1')).port}`
  })
  beforeEach(() => { received.length = 0 })
  after(() => server.drain(0))
  const push = async (path: string, bearer: string | undefined, body: string = '{}'): Promise<number> =>
    (await fetch(origin + path, { method: 'POST', body, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } })).status

  it('what the pusher sends to its endpoint is received as it came', async () => {
    const bearer = token()
    assert.equal(await push('/push/one', bearer, '{"message":{}}'), 204)
    assert.deepEqual(received, [{ id: 'one', bytes: 14, authorization: `Bearer ${bearer}` }])
    assert.equal(await pushers.verify(bearer, { id: 'one' }), true)
  })

  const REFUSED: Readonly<Record<string, readonly [string, () => string | undefined, number]>> = {
    'no token': ['/push/one', () => undefined, 401],
    'a token for another endpoint': ['/push/two', () => token(), 401],
    'a token for the service as a whole': ['/push/one', () => token({ aud: ORIGIN }), 401],
    'another account': ['/push/one', () => token({ email: 'proxy@gateway.iam.gserviceaccount.com' }), 403],
    'an address that is not verified': ['/push/one', () => token({ email_verified: false }), 401],
    'a signature that Cloud Run took off': ['/push/one', () => token().replace(/[^.]+$/, 'SIGNATURE_REMOVED_BY_GOOGLE'), 401],
    'an endpoint that is none': ['/push/three', () => token({ aud: `${ORIGIN}/push/three` }), 404],
    'an endpoint with something behind it': ['/push/one/more', () => token(), 404],
    'an endpoint in other letters': ['/push/ONE', () => token(), 404],
  }
  for (const [title, [path, bearer, status]] of Object.entries(REFUSED)) {
    it(`invariant 7: ${title} is refused before a byte of the body is taken`, async () => {
      assert.equal(await push(path, bearer(), 'x'.repeat(100_000)), status)
      assert.deepEqual(received, [])
    })
  }

  it('a body over 16 MiB is refused, also of the pusher', async () => {
    assert.equal(await push('/push/one', token(), 'x'.repeat(PUSH_BYTES + 1)), 413)
    assert.deepEqual(received, [])
  })

  it('the bus can ask by itself, and hears of an unknown endpoint', async () => {
    const verdicts = await Promise.all([pushers.verify(token(), { id: 'two' }), pushers.verify(token(), { id: 'three' })])
    assert.deepEqual(verdicts.map((verdict) => isRefusal(verdict) && verdict.reason), ['TOKEN_INVALID', 'NOT_FOUND'])
  })
})
