import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { createPeopleDirectory } from '@lockkeeper/auth'
import { systemClock } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { aPerson } from '@lockkeeper/testkit'
import { openRoom } from '../test/console-room.ts'
import { iapIdentity } from './iap.ts'

const AUDIENCE = '/projects/1/global/backendServices/2'
const ISSUER = 'https://cloud.google.com/iap'

describe('the signed header of Identity-Aware Proxy', () => {
  const [own, other] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ec', { namedCurve: 'P-256' })]
  const persons = [aPerson({ id: 'ada', identities: [{ email: 'ada@acme.example' }] })]
  const identity = iapIdentity({
    audience: AUDIENCE, persons, people: createPeopleDirectory(persons), clock: systemClock, mode: 'real',
    issuers: [{ issuer: ISSUER, jwks: { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'iap', alg: 'ES256', use: 'sig' }] }, algorithms: ['ES256'], emailVerified: false }],
  })
  const token = (claims: Readonly<Record<string, unknown>> = {}, { key = own, header = {} }: { readonly key?: typeof own, readonly header?: object } = {}): string => {
    const now = Math.floor(Date.now() / 1000)
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${encode({ alg: 'ES256', typ: 'JWT', kid: 'iap', ...header })}.${encode({ iss: ISSUER, aud: AUDIENCE, sub: 'accounts.google.com:1', email: 'ada@acme.example', iat: now, exp: now + 600, ...claims })}`
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }

  it('a sound one names its person', async () => {
    const found = await identity(token())
    assert.equal(isRefusal(found) ? found.message : found.id, 'ada')
  })

  const now = Math.floor(Date.now() / 1000)
  const bad: readonly (readonly [string, string | undefined])[] = [
    ['none at all', undefined], ['an empty one', ''], ['for another backend', token({ aud: '/projects/1/global/backendServices/3' })], ['of another issuer', token({ iss: 'https://accounts.google.com' })],
    ['that is over', token({ iat: now - 1200, exp: now - 600 })], ['signed by another key', token({}, { key: other })], ['that claims no algorithm', token({}, { header: { alg: 'none' } })],
    ['that claims a shared secret', token({}, { header: { alg: 'HS256' } })], ['of somebody unknown', token({ email: 'eve@acme.example' })], ['without an address', token({ email: undefined })], ['with an address that is not verified', token({ email_verified: false })],
  ]
  for (const [what, given] of bad) it(`${what} names nobody`, async () => assert.ok(isRefusal(await identity(given))))

  it('over HTTP it signs in by itself, and no cookie helps where it is missing, forged or of somebody else', async () => {
    const room = await openRoom({ decideBy: 'idToken', iap: identity })
    try {
      const browser = room.browser()
      const me = async (assertion: string | undefined): Promise<number> => (await browser.fetch('/api/me', { headers: assertion === undefined ? {} : { 'x-goog-iap-jwt-assertion': assertion } })).status
      assert.deepEqual([await me(token()), await me(undefined), await me(token({}, { key: other })), await me(token({ email: 'eve@acme.example' })), await me(token())], [200, 401, 401, 403, 200])
    } finally {
      await room.close()
    }
  })
})
