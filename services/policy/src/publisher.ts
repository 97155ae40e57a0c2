/** Puts a checked set in force: bundle and targets into the BlobStore, their signed pointers and facts in one commit. */
import { HEARTBEAT_ID, nextBeat, type Heartbeat } from '@lockkeeper/domain/collections'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type Doc, type DocumentStore, type Ref, type Signer, type Write } from '@lockkeeper/domain/ports'
import { CURRENT_ID, policies, TARGETS_ID, type PolicyServiceDocument, type SignedPointer, type SignedTargetsPointer, type VerifyKey } from '@lockkeeper/policy-engine'
import { nextBundle, nextTargets } from './next-pointers.ts'
import type { InForce, PublisherPorts, ToPublish } from './publisher-ports.ts'

const MAX_ATTEMPTS = 5
const CURRENT: Ref<PolicyServiceDocument> = { collection: policies, id: CURRENT_ID }
const TARGETS: Ref<PolicyServiceDocument> = { collection: policies, id: TARGETS_ID }
const BEAT: Ref<PolicyServiceDocument> = { collection: policies, id: HEARTBEAT_ID }

/** What is committed together with the pointers. */
export interface Beside {
  readonly refs: readonly Ref[]
  /** Pure. A Refusal commits nothing and is passed on. */
  readonly decide: (docs: readonly (Doc | undefined)[], next: InForce) => readonly Write[] | Refusal
}

export interface Published extends InForce {
  readonly pointer: SignedPointer
  readonly changed: boolean
}

/**
 * The pointers in force afterwards; the same as before where content and key are. A Refusal only where `beside` gives one.
 * PortUnavailable on outage: nothing has changed then.
 */
export async function publish(ports: PublisherPorts, given: ToPublish): Promise<Published>
export async function publish(ports: PublisherPorts, given: ToPublish, beside: Beside): Promise<Published | Refusal>
export async function publish(ports: PublisherPorts, given: ToPublish, beside?: Beside): Promise<Published | Refusal> {
  const own = await verifyKeyOf(ports.signer)
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await readInForce(ports.documents)
    const bundle = await nextBundle(ports, given, before.pointer, own)
    const targets = given.targets === undefined ? undefined : await nextTargets(ports, given.targets, given, before.targets, own)
    const next: Published = { pointer: bundle.pointer, changed: bundle.fact !== undefined || targets?.fact !== undefined, ...(targets === undefined ? before.targets === undefined ? {} : { targets: before.targets } : { targets: targets.pointer }) }
    if (!next.changed && beside === undefined) return next
    const done = await commit(ports.documents, before, next, [bundle.fact, targets?.fact].filter((fact) => fact !== undefined), beside)
    if (done === 'committed') return next
    if (isRefusal(done)) return done
  }
  throw new PortUnavailable(`another writer changed the policy ${MAX_ATTEMPTS} times at once`)
}

/** `overtaken`: another writer was faster. */
async function commit(documents: DocumentStore, before: InForce, next: Published, facts: readonly CloudEvent[], beside: Beside | undefined): Promise<'committed' | 'overtaken' | Refusal> {
  const overtaken = refuse('STATE_CHANGED', 'something else was published meanwhile')
  const done = await documents.transact([CURRENT, TARGETS, ...beside?.refs ?? []], ([current, targets, ...rest]) => {
    if (sequenceOf(current) !== before.pointer?.sequence || sequenceOf(targets) !== before.targets?.sequence) return overtaken
    const more = beside?.decide(rest, next) ?? []
    if (isRefusal(more)) return more
    const writes: Write[] = [...more]
    if (next.pointer !== before.pointer) writes.push({ kind: 'put', ref: CURRENT, data: next.pointer })
    if (next.targets !== undefined && next.targets !== before.targets) writes.push({ kind: 'put', ref: TARGETS, data: next.targets })
    return { writes, facts, result: true }
  })
  if (!isRefusal(done)) return 'committed'
  return done === overtaken || done.message === overtaken.message ? 'overtaken' : done
}

function sequenceOf(doc: Doc | undefined): number | undefined {
  return (doc?.data as SignedPointer | SignedTargetsPointer | undefined)?.sequence
}

export async function verifyKeyOf(signer: Signer): Promise<VerifyKey> {
  return { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
}

export async function readInForce(documents: DocumentStore): Promise<InForce> {
  const [current, targets] = await documents.read([CURRENT, TARGETS])
  return { ...(current === undefined ? {} : { pointer: current.data as SignedPointer }), ...(targets === undefined ? {} : { targets: targets.data as SignedTargetsPointer }) }
}

/** One heartbeat in the watched set: a proxy that misses it for 5 s asks, or refuses everything (invariant 11). */
export async function beat(documents: DocumentStore): Promise<void> {
  await documents.transact([BEAT], ([doc], now) => ({ writes: [{ kind: 'put', ref: BEAT, data: nextBeat(doc?.data as Heartbeat | undefined, now) }], facts: [], result: undefined }))
}
