/** The public half of a key version: is it the one that was asked for, whole, and of a kind that we sign with? */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { crc32c, sameChecksum } from '../crc32c.ts'
import { isSameResource } from '../resource-name.ts'
import type { PublicKeyAnswer } from './kms-client.ts'

export interface KmsPublicKey {
  readonly key: KeyObject
  readonly algorithm: 'ES256' | 'Ed25519'
  readonly jwk: Readonly<Record<string, string>>
}

/** By CryptoKeyVersionAlgorithm of google.cloud.kms.v1: the type and curve that Node must find in the key as well. */
const ALGORITHMS: Readonly<Record<string, { readonly algorithm: KmsPublicKey['algorithm'], readonly type: string, readonly curve: string }>> = {
  EC_SIGN_P256_SHA256: { algorithm: 'ES256', type: 'ec', curve: 'P-256' },
  EC_SIGN_ED25519: { algorithm: 'Ed25519', type: 'ed25519', curve: 'Ed25519' },
}
const MAX_PEM = 4096

/** TypeError for a key of another kind, which no later attempt changes; PortUnavailable for a broken answer. */
export function readPublicKey(keyVersion: string, keyId: string, { name, pem, checksum, algorithm }: PublicKeyAnswer): KmsPublicKey {
  if (typeof name !== 'string' || !isSameResource(keyVersion, name)) throw new PortUnavailable(`Cloud KMS answered with the public key of another version than ${keyVersion}`)
  if (typeof pem !== 'string' || pem === '' || pem.length > MAX_PEM || !sameChecksum(checksum, crc32c(Buffer.from(pem)))) throw new PortUnavailable(`the public key of ${keyVersion} does not have the checksum that came with it`)
  const known = Object.hasOwn(ALGORITHMS, String(algorithm)) ? ALGORITHMS[String(algorithm)] : undefined
  if (known === undefined) throw new TypeError(`${keyVersion} is a key for ${String(algorithm)}; EC_SIGN_P256_SHA256 or EC_SIGN_ED25519 is needed`)
  const key = parse(keyVersion, pem)
  const { kty, crv, x, y } = key.export({ format: 'jwk' })
  if (key.asymmetricKeyType !== known.type || crv !== known.curve || kty === undefined || x === undefined) throw new PortUnavailable(`the public key of ${keyVersion} is of another kind than Cloud KMS says`)
  return { key, algorithm: known.algorithm, jwk: { kty, crv, x, ...(y === undefined ? {} : { y }), alg: known.algorithm, use: 'sig', kid: keyId } }
}

function parse(keyVersion: string, pem: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (error) {
    throw new PortUnavailable(`the public key of ${keyVersion} cannot be read`, { cause: error })
  }
}
