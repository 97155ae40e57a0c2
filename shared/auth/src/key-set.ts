/** A JSON Web Key Set (RFC 7517) read as hostile input: only public signature keys of the allowed algorithms remain. */
import { importJWK, type CryptoKey, type JWK } from 'jose'

export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'
export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = ['RS256', 'ES256', 'EdDSA']

export interface VerificationKey {
  readonly kid: string | undefined
  readonly algorithm: SigningAlgorithm
  readonly key: CryptoKey
}

const MAX_KEYS = 100
/** Characters of a base64url modulus: 8,192 bits, so that a hostile key cannot make verification slow. */
const MAX_MODULUS_LENGTH = 1366
/** Members that only secret keys have. A key published with them is burnt and is not used. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

type Candidate = Readonly<Record<string, unknown>>

/**
 * The usable keys of a set; others (encryption keys, other algorithms, weak or secret keys) are left out, as RFC 7517
 * section 5 demands. Throws an Error with a private text when `keys` is no array or is longer than 100.
 */
export async function readKeySet(document: Readonly<Record<string, unknown>>): Promise<readonly VerificationKey[]> {
  const { keys } = document
  if (!Array.isArray(keys)) throw new Error('the key set has no `keys` array')
  if (keys.length > MAX_KEYS) throw new Error(`the key set holds more than ${MAX_KEYS} keys`)
  const read = await Promise.all(keys.map(readKey))
  return read.filter((key) => key !== undefined)
}

async function readKey(candidate: unknown): Promise<VerificationKey | undefined> {
  if (typeof candidate !== 'object' || candidate === null) return undefined
  const jwk = candidate as Candidate
  const algorithm = algorithmOf(jwk)
  if (algorithm === undefined || !isForVerifying(jwk, algorithm)) return undefined
  try {
    const key = await importJWK({ ...jwk, alg: algorithm } as JWK, algorithm)
    // Secret keys come back as bytes; they were left out above, and are again here.
    if (key instanceof Uint8Array || key.type !== 'public' || isWeak(key)) return undefined
    return { kid: typeof jwk.kid === 'string' ? jwk.kid : undefined, algorithm, key }
  } catch {
    // A malformed key is one that no token can be verified with; its neighbours stay usable.
    return undefined
  }
}

function algorithmOf(jwk: Candidate): SigningAlgorithm | undefined {
  if (jwk.kty === 'RSA') return 'RS256'
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') return 'ES256'
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return 'EdDSA'
  return undefined
}

function isForVerifying(jwk: Candidate, algorithm: SigningAlgorithm): boolean {
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) return false
  if (typeof jwk.n === 'string' && jwk.n.length > MAX_MODULUS_LENGTH) return false
  // RFC 9864 names the Edwards curve itself as the algorithm.
  const names: readonly unknown[] = algorithm === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [algorithm]
  if (jwk.alg !== undefined && !names.includes(jwk.alg)) return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  return jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))
}

function isWeak(key: CryptoKey): boolean {
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  return modulusLength !== undefined && modulusLength < 2048
}

/** The one key that `kid` names for `algorithm`; `ambiguous` when several do. Without a `kid` the set must have exactly one such key. */
export function selectKey(keys: readonly VerificationKey[], algorithm: SigningAlgorithm, kid: string | undefined): VerificationKey | 'unknown' | 'ambiguous' {
  const found = keys.filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid))
  return found.length > 1 ? 'ambiguous' : found[0] ?? 'unknown'
}
