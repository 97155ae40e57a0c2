/** Signatures by keys that somebody trusts: the keys that attest writers and the keys that sign checkpoints. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto'

export interface TrustedKey {
  /** As the Signer names it. */
  readonly keyId: string
  readonly algorithm: 'Ed25519' | 'ES256'
  readonly jwk: Readonly<Record<string, string>>
}

/** What an offline verifier is given: public keys only. */
export interface TrustedKeys {
  /** Keys that may attest writers. */
  readonly writers: readonly TrustedKey[]
  /** Keys that may sign checkpoints. */
  readonly log: readonly TrustedKey[]
}

/** A raw Ed25519 public key of 32 bytes. Undefined: not a key. */
export function ed25519Key(raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== 32) return undefined
  return publicKey({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') })
}

/** Undefined: the JWK is malformed. */
export function publicKey(jwk: Readonly<Record<string, string>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

/** ES256 in either form: 64 bytes of r and s, or DER as Cloud KMS makes it. */
export function verifiesWith(key: TrustedKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const object = publicKey(key.jwk)
  if (object === undefined || object.asymmetricKeyType !== (key.algorithm === 'Ed25519' ? 'ed25519' : 'ec')) return false
  if (key.algorithm === 'Ed25519') return signature.length === 64 && verify(null, bytes, object, signature)
  return verify('sha256', bytes, { key: object, dsaEncoding: signature.length === 64 ? 'ieee-p1363' : 'der' }, signature)
}

/** Base64url that has exactly one text for its bytes. Undefined: any other text. */
export function strictBase64url(value: string): Buffer | undefined {
  const bytes = Buffer.from(value, 'base64url')
  return bytes.toString('base64url') === value ? bytes : undefined
}
