/** Puts a checked set of policies in force: bundle into the BlobStore, signed pointer and fact in one commit. */
import type { Clock, Method } from '@lockkeeper/domain'
import { HEARTBEAT_ID, nextBeat, type Heartbeat } from '@lockkeeper/domain/collections'
import { cloudEvent } from '@lockkeeper/domain/events'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable, type BlobStore, type Doc, type DocumentStore, type Ref, type Signer } from '@lockkeeper/domain/ports'
import { createSlices, CURRENT_ID, encodeBundle, methodsDigest, policies, signPointer, verifyPointer, type PolicyDocument, type SignedPointer, type VerifyKey } from '@lockkeeper/policy-engine'
import { setImmediate as nextTurn } from 'node:timers/promises'

const MAX_ATTEMPTS = 5
const CURRENT: Ref<SignedPointer | Heartbeat> = { collection: policies, id: CURRENT_ID }
const BEAT: Ref<SignedPointer | Heartbeat> = { collection: policies, id: HEARTBEAT_ID }

export interface PublisherPorts {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly signer: Signer
  readonly clock: Clock
}

/**
 * The pointer in force afterwards; the same as before when content and key are, or, `unless-ours`, when this key has signed it.
 * PortUnavailable on outage: nothing has changed then.
 */
export async function publish(ports: PublisherPorts, documents: readonly PolicyDocument[], methods: readonly Method[], by: string, when: 'always' | 'unless-ours' = 'always'): Promise<{ readonly pointer: SignedPointer, readonly changed: boolean }> {
  const bundle = await encodeBundle({ documents, methods: methodsDigest(methods) }, createSlices(ports.clock, () => nextTurn()))
  const own = await verifyKeyOf(ports.signer)
  const rules = documents.reduce((sum, document) => sum + document.rules.length, 0)
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await currentPointer(ports.documents)
    const isOurs = before !== undefined && verifyPointer(before, [own]) === undefined
    if (isOurs && (when === 'unless-ours' || before.version === bundle.version)) return { pointer: before, changed: false }
    await ports.blobs.create(bundle.key, bundle.bytes)
    const sequence = nextSequence(before, isOurs, ports.clock)
    const pointer = await signPointer({ version: bundle.version, key: bundle.key, sequence, rules, publishedAt: ports.clock.now(), by }, ports.signer)
    if (await commit(ports.documents, before, pointer)) return { pointer, changed: true }
  }
  throw new PortUnavailable(`another writer changed the policy ${MAX_ATTEMPTS} times at once`)
}

/** After a pointer that this key has not signed (a new key, or tampering) its number is not trusted: epoch ms are beyond any count. */
function nextSequence(before: SignedPointer | undefined, isOurs: boolean, clock: Clock): number {
  if (before === undefined) return 1
  return isOurs ? before.sequence + 1 : clock.now()
}

export async function verifyKeyOf(signer: Signer): Promise<VerifyKey> {
  return { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
}

export async function currentPointer(documents: DocumentStore): Promise<SignedPointer | undefined> {
  const [doc] = await documents.read([CURRENT])
  return (doc as Doc<SignedPointer> | undefined)?.data
}

/** False: another writer was faster. */
async function commit(documents: DocumentStore, before: SignedPointer | undefined, pointer: SignedPointer): Promise<boolean> {
  const { version, rules, by, sequence, publishedAt } = pointer
  const fact = cloudEvent('policy.published', '/policy', `policy-${sequence}-${version.slice(0, 16)}`, publishedAt, { version, digest: version, rules, by }, version)
  const done = await documents.transact([CURRENT], ([doc]) => {
    if ((doc?.data as SignedPointer | undefined)?.sequence !== before?.sequence) return refuse('STATE_CHANGED', 'another bundle was published meanwhile')
    return { writes: [{ kind: 'put', ref: CURRENT, data: pointer }], facts: [fact], result: true }
  })
  return !isRefusal(done)
}

/** One heartbeat in the watched set: a proxy that misses it for 5 s asks, or refuses everything (invariant 11). */
export async function beat(documents: DocumentStore): Promise<void> {
  await documents.transact([BEAT], ([doc], now) => ({ writes: [{ kind: 'put', ref: BEAT, data: nextBeat(doc?.data as Heartbeat | undefined, now) }], facts: [], result: undefined }))
}
