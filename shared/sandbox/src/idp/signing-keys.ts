/** Signing keys of the sandbox's identity provider: made at start, kept in memory, gone with the process. */
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import type { JWK } from 'jose'

export type SandboxAlgorithm = 'RS256' | 'ES256'

const makePair = promisify(generateKeyPair)

/** One private key per algorithm, named by its thumbprint (RFC 7638). */
export async function makeSigningKeys(): Promise<readonly JWK[]> {
  const [rsa, ec] = await Promise.all([makePair('rsa', { modulusLength: 2048 }), makePair('ec', { namedCurve: 'P-256' })])
  return Promise.all([named(await exportJWK(rsa.privateKey), 'RS256'), named(await exportJWK(ec.privateKey), 'ES256')])
}

async function named(jwk: JWK, alg: SandboxAlgorithm): Promise<JWK> {
  return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) }
}
