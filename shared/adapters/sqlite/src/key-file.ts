/** Signer with an Ed25519 key in a file (PKCS#8 PEM, 0600), made on first use. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { dirname } from 'node:path'
import { PortUnavailable, type Signer } from '@lockkeeper/domain/ports'
import { createWhole, privateDirectory, readPrivateFile } from './private-files.ts'

const MAX_PEM_BYTES = 8 * 1024

/** PortUnavailable where the file is open to others, no Ed25519 key, or cannot be made. */
export async function openKeyFile(path: string): Promise<Signer> {
  const key = await loadKey(path) ?? await makeKey(path)
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  if (typeof x !== 'string') throw new TypeError('an Ed25519 key has no x')
  const keyId = `file:${thumbprint(x)}`
  return {
    keyId,
    algorithm: 'Ed25519',
    sign: async bytes => sign(null, bytes, key),
    publicKeyJwk: async () => ({ kty: 'OKP', crv: 'Ed25519', x, alg: 'Ed25519', use: 'sig', kid: keyId }),
  }
}

/** RFC 7638: the required members in lexical order, without white space. */
function thumbprint(x: string): string {
  return createHash('sha256').update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })).digest('base64url')
}

async function loadKey(path: string): Promise<KeyObject | undefined> {
  const found = await readPrivateFile(path, MAX_PEM_BYTES)
  if (found === undefined) return undefined
  let key: KeyObject
  try {
    key = createPrivateKey(found.bytes)
  } catch {
    // Without the cause: it must not be possible that an error carries a piece of a key file.
    throw new PortUnavailable(`${path} holds no private key in PEM form`)
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new PortUnavailable(`${path} holds a key of type ${key.asymmetricKeyType}, not Ed25519`)
  return key
}

/** Two processes that start at once end with the same key: the file is linked into place whole, once. */
async function makeKey(path: string): Promise<KeyObject> {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  try {
    privateDirectory(dirname(path))
    await createWhole(path, Buffer.from(pem), dirname(path))
  } catch (error) {
    throw error instanceof PortUnavailable ? error : new PortUnavailable(`${path} cannot be made`, { cause: error })
  }
  const key = await loadKey(path)
  if (key === undefined) throw new PortUnavailable(`${path} was removed while it was made`)
  return key
}
