/**
 * A bundle: all policy documents as they were checked together, one JSON line for the head and one for each document head
 * and rule, so that neither side needs to parse it at a stretch. Its version is the SHA-256 of its bytes. The pointer that
 * puts a version in force is signed; through the hash its signature covers the bundle.
 */
import { hash } from 'node:crypto'
import type { Method } from '@lockkeeper/domain'
import { sha256 } from '@lockkeeper/domain/digest'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import type { Signer } from '@lockkeeper/domain/ports'
import type { PolicyDocument } from './document.ts'
import type { Pointer } from './pointer.ts'
import { signatureFault, signFacts, type Signature, type VerifyKey } from './signed-facts.ts'
import type { Slices } from './slices.ts'

const FORMAT = 'lockkeeper-bundle-v1'
const SIGNED_AS = 'lockkeeper-bundle-pointer-v1'
/** Larger bundles are neither published nor loaded. */
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024

export interface Bundle {
  readonly documents: readonly PolicyDocument[]
  /** Digest of the catalog that it was checked with. */
  readonly methods: string
}

/** Which bundle is in force since when. */
export interface BundlePointer extends Pointer {
  readonly rules: number
}

export interface SignedPointer extends BundlePointer, Signature {
  readonly kind: 'bundle'
  /** Always true, so that it matches the watched query. */
  readonly live: true
}

/** Names a catalog by everything that a policy's meaning depends on. */
export function methodsDigest(methods: readonly Method[]): string {
  const lines = methods.map(({ id, host, version, risk, change, mintsCredential }) => `${id} ${host} ${version} ${risk} ${change} ${mintsCredential}`)
  return sha256(lines.sort().join('\n'))
}

export async function encodeBundle(bundle: Bundle, slices: Slices): Promise<{ readonly version: string, readonly key: string, readonly bytes: Uint8Array }> {
  const lines = [serialise(fromPlain({ format: FORMAT, methods: bundle.methods, documents: bundle.documents.length }))]
  for (const { rules, ...head } of bundle.documents) {
    lines.push(serialise(fromPlain({ ...head, rules: rules.length })))
    for (const rule of rules) {
      if (slices.due()) await slices.rest()
      lines.push(serialise(fromPlain(rule)))
    }
  }
  const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`)
  const version = hash('sha256', bytes, 'hex')
  return { version, key: `bundles/${version}`, bytes }
}

/** The text says what is wrong where bytes and version do not belong together or the form is unknown. */
export async function decodeBundle(bytes: Uint8Array, version: string, slices: Slices): Promise<Bundle | { readonly problem: string }> {
  if (bytes.length > MAX_BUNDLE_BYTES) return { problem: 'the bundle is too large' }
  if (hash('sha256', bytes, 'hex') !== version) return { problem: 'the bundle\'s bytes are not those that were signed' }
  // Line by line: the text of a large bundle at once would be a slice of its own.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const read = (): Record<string, unknown> => {
    const end = text.indexOf(0x0a, at)
    const line = text.toString('utf8', at, end === -1 ? text.length : end)
    at = end === -1 ? text.length : end + 1
    return JSON.parse(line) as Record<string, unknown>
  }
  try {
    const head = read()
    if (head.format !== FORMAT) return { problem: `the bundle's format is not ${FORMAT}` }
    const documents: PolicyDocument[] = []
    for (let left = Number(head.documents); left > 0; left--) {
      const { rules: count, ...document } = read()
      const rules: unknown[] = []
      for (let more = Number(count); more > 0; more--) {
        if (slices.due()) await slices.rest()
        rules.push(read())
      }
      documents.push({ ...document, rules } as unknown as PolicyDocument)
    }
    return { documents, methods: String(head.methods) }
  } catch (error) {
    return { problem: `the bundle cannot be read: ${(error as Error).message.slice(0, 100)}` }
  }
}

function signedPart({ version, key, sequence, rules, publishedAt, by }: BundlePointer) {
  return { version, key, sequence, rules, publishedAt, by }
}

export async function signPointer(pointer: BundlePointer, signer: Signer): Promise<SignedPointer> {
  return { ...pointer, kind: 'bundle', live: true, ...await signFacts(SIGNED_AS, signedPart(pointer), signer) }
}

/** What is wrong with a pointer's signature; undefined: nothing. */
export function verifyPointer(pointer: SignedPointer, keys: readonly VerifyKey[]): string | undefined {
  return signatureFault('bundle', SIGNED_AS, signedPart(pointer), pointer, keys)
}
