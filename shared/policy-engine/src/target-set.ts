/** A published set of targets: its blob, and the signed pointer that puts it in force. The same mechanism as a bundle's. */
import { hash } from 'node:crypto'
import type { Mode } from '@lockkeeper/domain'
import { fromPlain, isJsonObject, parseStrict, serialise, toPlain } from '@lockkeeper/domain/json'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { Signer } from '@lockkeeper/domain/ports'
import type { Pointer } from './pointer.ts'
import { signatureFault, signFacts, type Signature, type VerifyKey } from './signed-facts.ts'
import { targetsDocumentSchema, type TargetConfig, type TargetsDocument } from './target-document.ts'
import { targetProblems } from './target-problems.ts'

const FORMAT = 'lockkeeper-targets-v1'
const SIGNED_AS = 'lockkeeper-targets-pointer-v1'
/** 200 targets with certificates of their own; larger sets are neither published nor loaded. */
const MAX_BYTES = 16 * 1024 * 1024

export interface TargetsPointer extends Pointer {
  /** How many targets the set has. */
  readonly targets: number
}

export interface SignedTargetsPointer extends TargetsPointer, Signature {
  readonly kind: 'targets'
  /** Always true, so that it matches the watched query. */
  readonly live: true
}

export function encodeTargets(document: TargetsDocument): { readonly version: string, readonly key: string, readonly bytes: Uint8Array } {
  const bytes = new TextEncoder().encode(serialise(fromPlain({ format: FORMAT, document })))
  const version = hash('sha256', bytes, 'hex')
  return { version, key: `targets/${version}`, bytes }
}

/** Read as strictly as the file was: a set that another release has published may not be understood here. */
export function decodeTargets(bytes: Uint8Array, version: string, mode: Mode): { readonly targets: readonly TargetConfig[] } | { readonly problem: string } {
  if (bytes.length > MAX_BYTES) return { problem: 'the target set is too large' }
  if (hash('sha256', bytes, 'hex') !== version) return { problem: 'the target set\'s bytes are not those that were signed' }
  const read = parseStrict(bytes)
  if (isRefusal(read) || !isJsonObject(read) || read['format'] !== FORMAT) return { problem: `the target set's format is not ${FORMAT}` }
  const parsed = targetsDocumentSchema.safeParse(toPlain(read['document'] ?? null))
  if (!parsed.success) return { problem: `the target set cannot be read: ${parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}` }
  const { targets } = parsed.data
  const [first] = targetProblems(targets, mode)
  return first === undefined ? { targets } : { problem: `the target set does not fit mode ${mode}: targets.${first.path.join('.')}: ${first.message}` }
}

function signedPart({ version, key, sequence, targets, publishedAt, by }: TargetsPointer) {
  return { version, key, sequence, targets, publishedAt, by }
}

export async function signTargetsPointer(pointer: TargetsPointer, signer: Signer): Promise<SignedTargetsPointer> {
  return { ...pointer, kind: 'targets', live: true, ...await signFacts(SIGNED_AS, signedPart(pointer), signer) }
}

/** What is wrong with a pointer's signature; undefined: nothing. */
export function verifyTargetsPointer(pointer: SignedTargetsPointer, keys: readonly VerifyKey[]): string | undefined {
  return signatureFault('target set', SIGNED_AS, signedPart(pointer), pointer, keys)
}
