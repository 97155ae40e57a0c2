/** Facts that one service signs and others check. What they are signed as is part of the bytes: one kind never passes for another. */
import { createPublicKey, verify } from 'node:crypto'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import type { Signer } from '@lockkeeper/domain/ports'

export interface VerifyKey {
  readonly keyId: string
  readonly algorithm: Signer['algorithm']
  readonly jwk: Readonly<Record<string, string>>
}

export interface Signature {
  readonly keyId: string
  /** base64url. */
  readonly signature: string
}

type Facts = Readonly<Record<string, string | number>>

function signedBytes(signedAs: string, facts: Facts, keyId: string): Uint8Array {
  return new TextEncoder().encode(serialise(fromPlain({ signedAs, keyId, ...facts })))
}

export async function signFacts(signedAs: string, facts: Facts, signer: Signer): Promise<Signature> {
  const signature = await signer.sign(signedBytes(signedAs, facts, signer.keyId))
  return { keyId: signer.keyId, signature: Buffer.from(signature).toString('base64url') }
}

/** What is wrong with the signature of `what`; undefined: nothing. */
export function signatureFault(what: string, signedAs: string, facts: Facts, { keyId, signature }: Signature, keys: readonly VerifyKey[]): string | undefined {
  const key = keys.find((one) => one.keyId === keyId)
  if (key === undefined) return `the ${what} is signed by a key that is not trusted: ${String(keyId).slice(0, 100)}`
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' })
  const given = Buffer.from(String(signature), 'base64url')
  const bytes = signedBytes(signedAs, facts, key.keyId)
  const sound = key.algorithm === 'Ed25519' ? verify(null, bytes, publicKey, given) : verify('sha256', bytes, { key: publicKey, dsaEncoding: 'ieee-p1363' }, given) || verify('sha256', bytes, publicKey, given)
  return sound ? undefined : `the ${what}'s signature is not sound`
}
