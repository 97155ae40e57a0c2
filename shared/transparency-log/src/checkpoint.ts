/**
 * A checkpoint: what the log says of itself, signed. Text forms: C2SP tlog-checkpoint inside a C2SP signed note, so that
 * other people's witnesses and verifiers can read it.
 */
import { hash } from 'node:crypto'
import type { Signer } from '@lockkeeper/domain/ports'
import { publicKey, verifiesWith, type TrustedKey } from './signatures.ts'

export interface Checkpoint {
  /** Name of the log; also the name of its key in the note. */
  readonly origin: string
  /** Batches in the tree. */
  readonly size: number
  readonly root: Buffer
  /** Epoch ms, in whole seconds: an extension line. */
  readonly at: number
}

const ED25519 = 1
const ECDSA = 2
const ORIGIN = /^[^\s+\p{Cc}]{1,200}$/u
const BODY = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\ntime (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n$/
const SIGNATURE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/

/** TypeError for an origin that a note cannot carry. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: Signer): Promise<string> {
  if (!ORIGIN.test(checkpoint.origin)) throw new TypeError('the log\'s origin must be 1 to 200 characters without space, plus sign or control character')
  const body = checkpointBody(checkpoint)
  const key: TrustedKey = { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
  const name = noteKeyHash(checkpoint.origin, key)
  if (name === undefined) throw new TypeError('the log\'s signer has no usable public key')
  const signature = Buffer.concat([name, await signer.sign(Buffer.from(body))])
  return `${body}\n— ${checkpoint.origin} ${signature.toString('base64')}\n`
}

/** Undefined: malformed, not canonical, or signed by no trusted key. Signatures of others (witnesses) are passed over. */
export function openCheckpoint(text: string, trusted: readonly TrustedKey[]): Checkpoint | undefined {
  const cut = text.indexOf('\n\n')
  if (cut < 0 || !text.endsWith('\n')) return undefined
  const body = text.slice(0, cut + 1)
  const found = BODY.exec(body)
  if (found === null) return undefined
  const checkpoint = { origin: found[1] as string, size: Number(found[2]), root: Buffer.from(found[3] as string, 'base64'), at: Date.parse(found[4] as string) }
  if (!ORIGIN.test(checkpoint.origin) || checkpointBody(checkpoint) !== body) return undefined
  const signatures = text.slice(cut + 2, -1).split('\n').map((line) => SIGNATURE.exec(line))
  if (signatures.includes(null)) return undefined
  const signed = signatures.some((one) => one?.[1] === checkpoint.origin && isSignedBy(checkpoint.origin, body, one[2] as string, trusted))
  return signed ? checkpoint : undefined
}

function isSignedBy(origin: string, body: string, text: string, trusted: readonly TrustedKey[]): boolean {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text || bytes.length < 5) return false
  return trusted.some((key) => noteKeyHash(origin, key)?.equals(bytes.subarray(0, 4)) === true && verifiesWith(key, Buffer.from(body), bytes.subarray(4)))
}

function checkpointBody({ origin, size, root, at }: Checkpoint): string {
  const time = Number.isFinite(at) ? new Date(at).toISOString() : ''
  return `${origin}\n${size}\n${root.toString('base64')}\ntime ${time.slice(0, 19)}Z\n`
}

/** First 4 bytes of SHA-256 over name, line feed, type and key (Ed25519), or over the key's DER (ECDSA). */
function noteKeyHash(name: string, key: TrustedKey): Buffer | undefined {
  const object = publicKey(key.jwk)
  if (object === undefined) return undefined
  if (key.algorithm === 'ES256') return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ECDSA), object.export({ type: 'spki', format: 'der' })]), 'buffer').subarray(0, 4)
  const raw = Buffer.from(key.jwk['x'] ?? '', 'base64url')
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw]), 'buffer').subarray(0, 4)
}
