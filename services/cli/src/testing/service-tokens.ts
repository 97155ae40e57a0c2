/** Tests only: an issuer of ID tokens as Google gives them to service accounts and to people, with its keys in the settings. */
import { createPublicKey, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'

export interface ServiceTokens {
  /** For `issuers` of callers and pushers. */
  readonly issuers: readonly object[]
  /** An ID token of the account for the audience, for one hour. */
  token(email: string, audience: string, claims?: Readonly<Record<string, unknown>>): string
}

export interface AccountKeys { readonly publicKey: KeyObject, readonly privateKey: KeyObject }

const ISSUER = 'http://127.0.0.1:9/accounts'

export function accountKeys(): AccountKeys {
  return generateKeyPairSync('ed25519')
}

/** Of an issuer that is in another process. */
export function keysOf(privateKey: KeyObject): AccountKeys {
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

export function createServiceTokens({ publicKey, privateKey }: AccountKeys = accountKeys()): ServiceTokens {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    issuers: [{ issuer: ISSUER, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'accounts', alg: 'EdDSA', use: 'sig' }] } }],
    token(email, audience, claims = {}) {
      const iat = Math.floor(Date.now() / 1000)
      const signed = `${encode({ alg: 'EdDSA', typ: 'JWT', kid: 'accounts' })}.${encode({ iss: ISSUER, aud: audience, sub: email, email, email_verified: true, iat, exp: iat + 3_600, jti: randomUUID(), ...claims })}`
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
    },
  }
}
