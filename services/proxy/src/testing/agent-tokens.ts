/** For tests: an issuer with one key of its own and the tokens that it signs. No socket: its documents come from a function. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { IssuerSettings } from '@lockkeeper/auth'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'lockkeeper'

export interface TestIssuer {
  readonly settings: IssuerSettings
  /** A signed token for an agent; `claims` replace the usual ones. */
  token(claims?: Readonly<Record<string, unknown>>): string
}

export function createTestIssuer(now: () => number): TestIssuer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA', use: 'sig' }
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    settings: {
      name: 'test', issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [jwk] }, discovery: false,
      agent: { id: 'claims.sub', run: 'claims.run', sponsor: 'claims.sponsor' },
    },
    token(claims = {}) {
      const seconds = Math.floor(now() / 1000)
      const body = { iss: ISSUER, aud: AUDIENCE, sub: 'acme/shop', run: 'run-1', sponsor: 'ana', iat: seconds, exp: seconds + 3600, jti: 'CANARYagentTOKEN', ...claims }
      const signed = `${part({ alg: 'EdDSA', kid: 'k1', typ: 'JWT' })}.${part(body)}`
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
    },
  }
}
