/**
 * Signer on one version of an asymmetric Cloud KMS key. Rotation is another version, hence another Signer with another
 * keyId. Called rarely: record batches are signed by a writer's own key, which this one attests once at its start.
 */
import { createHash, verify, type KeyObject } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { PortUnavailable, type Signer } from '@lockkeeper/domain/ports'
import { crc32c, sameChecksum } from '../crc32c.ts'
import { inFewWords, isRefused } from '../google-call.ts'
import { isSameResource } from '../resource-name.ts'
import { rawFromDer } from './der-signature.ts'
import { kmsClient, type KmsClient, type SignAnswer, type SignInput } from './kms-client.ts'
import { readPublicKey, type KmsPublicKey } from './kms-public-key.ts'

export interface KmsSettings {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`, of algorithm EC_SIGN_P256_SHA256 or EC_SIGN_ED25519. */
  readonly keyVersion: string
  /** Ms for one attempt. Default 5,000. */
  readonly timeoutMs?: number
  /** Attempts of one operation. Default 3. */
  readonly attempts?: number
  /** Ms before the second attempt, doubled before each further one, ± 50 %. Default 200. */
  readonly retryDelayMs?: number
}

const KEY_VERSION = /^projects\/[a-z0-9-]{1,40}\/locations\/[a-z0-9-]{1,40}\/keyRings\/[\w-]{1,63}\/cryptoKeys\/[\w-]{1,63}\/cryptoKeyVersions\/[1-9]\d{0,9}$/
/** What Cloud KMS takes as `data`; only Ed25519, which hashes for itself, needs to send more than a digest. */
const MAX_DATA_BYTES = 64 * 1024

type Retrying = Omit<Required<KmsSettings>, 'keyVersion'>

/** Fetches and checks the public key; the client is the signer's from now on, and is closed if that fails. TypeError for settings or a key that cannot work, PortUnavailable where Cloud KMS does not answer rightly. */
export async function openKmsSigner({ keyVersion, timeoutMs = 5000, attempts = 3, retryDelayMs = 200 }: KmsSettings, client: KmsClient = kmsClient()): Promise<Signer & { close(): Promise<void> }> {
  const retrying = { timeoutMs, attempts, retryDelayMs }
  if (!KEY_VERSION.test(keyVersion)) throw new TypeError(`${JSON.stringify(keyVersion).slice(0, 200)} is no version of a key: projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`)
  if (!(timeoutMs >= 10 && timeoutMs <= 60_000) || !(attempts >= 1 && attempts <= 10)) throw new TypeError('timeoutMs must be 10 to 60,000 and attempts 1 to 10')
  const keyId = `kms:${keyVersion}`
  const publicKey = await attempt(`give the public key of ${keyVersion}`, retrying, async () => readPublicKey(keyVersion, keyId, await client.publicKey(keyVersion, timeoutMs)))
    .catch(async (error: unknown) => {
      await client.close()
      throw error
    })
  return {
    keyId,
    algorithm: publicKey.algorithm,
    sign: (bytes) => sign(keyVersion, publicKey, client, retrying, bytes),
    publicKeyJwk: async () => ({ ...publicKey.jwk }),
    close: () => client.close(),
  }
}

async function sign(keyVersion: string, { key, algorithm }: KmsPublicKey, client: KmsClient, retrying: Retrying, bytes: Uint8Array): Promise<Uint8Array> {
  if (algorithm === 'Ed25519' && bytes.byteLength > MAX_DATA_BYTES) throw new TypeError(`an Ed25519 key of Cloud KMS signs at most ${MAX_DATA_BYTES} bytes; use EC_SIGN_P256_SHA256 for more`)
  const input: SignInput = algorithm === 'ES256' ? summed('digest', createHash('sha256').update(bytes).digest()) : summed('data', bytes)
  return attempt(`sign with ${keyVersion}`, retrying, async () => {
    const signature = readSignature(keyVersion, algorithm, input, await client.sign(keyVersion, input, retrying.timeoutMs))
    if (!isProved(key, algorithm, bytes, signature)) throw new PortUnavailable(`what Cloud KMS signed with ${keyVersion} is not proved by its public key`)
    return signature
  })
}

const summed = (kind: SignInput['kind'], bytes: Uint8Array): SignInput => ({ kind, bytes, checksum: crc32c(bytes) })

/** The checks that Google asks for (cloud.google.com/kms/docs/data-integrity-guidelines): both ways, and the version. */
function readSignature(keyVersion: string, algorithm: KmsPublicKey['algorithm'], { kind }: SignInput, { name, signature, checksum, verifiedDigest, verifiedData }: SignAnswer): Uint8Array {
  if (typeof name !== 'string' || !isSameResource(keyVersion, name)) throw new PortUnavailable(`Cloud KMS signed with another version than ${keyVersion}`)
  if ((kind === 'digest' ? verifiedDigest : verifiedData) !== true) throw new PortUnavailable('Cloud KMS did not check what it was given to sign')
  if (!(signature instanceof Uint8Array) || !sameChecksum(checksum, crc32c(signature))) throw new PortUnavailable(`a signature with ${keyVersion} does not have the checksum that came with it`)
  const raw = algorithm === 'ES256' ? rawFromDer(signature) : new Uint8Array(signature)
  if (raw?.length !== 64) throw new PortUnavailable(`what Cloud KMS made with ${keyVersion} is no signature`)
  return raw
}

function isProved(key: KeyObject, algorithm: KmsPublicKey['algorithm'], bytes: Uint8Array, signature: Uint8Array): boolean {
  return algorithm === 'ES256' ? verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature) : verify(null, bytes, key, signature)
}

/** To sign the same again is harmless, so everything but a refusal is tried again: that is what Google asks for after a wrong checksum. */
async function attempt<T>(what: string, { attempts, retryDelayMs }: Retrying, work: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof TypeError) throw error
      if (count >= attempts || isRefused(error)) throw error instanceof PortUnavailable ? error : new PortUnavailable(`Cloud KMS could not ${what}`, { cause: inFewWords(error) })
      await delay(retryDelayMs * 2 ** (count - 1) * (0.5 + Math.random()))
    }
  }
}
