/** The pointers that are to come after those in force: blob stored, sequence one higher, signed, with the fact that tells of it. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock, Method } from '@lockkeeper/domain'
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import {
  createSlices, decodeTargets, encodeBundle, encodeTargets, methodsDigest, signPointer, signTargetsPointer, verifyPointer, verifyTargetsPointer,
  type Pointer, type PolicyDocument, type SignedPointer, type SignedTargetsPointer, type TargetsDocument, type VerifyKey,
} from '@lockkeeper/policy-engine'
import type { PublisherPorts, ToPublish } from './publisher-ports.ts'

export interface Next<P> {
  readonly pointer: P
  /** Undefined: the pointer is the one in force. */
  readonly fact?: CloudEvent
}

/** What the bundle of these documents is. */
export function bundleOf(documents: readonly PolicyDocument[], methods: readonly Method[], clock: Clock): ReturnType<typeof encodeBundle> {
  return encodeBundle({ documents, methods: methodsDigest(methods) }, createSlices(clock))
}

export async function nextBundle(ports: PublisherPorts, { documents, methods, by, when, seen }: ToPublish, before: SignedPointer | undefined, own: VerifyKey): Promise<Next<SignedPointer>> {
  const bundle = await bundleOf(documents, methods, ports.clock)
  const isOurs = before !== undefined && verifyPointer(before, [own]) === undefined
  if (isOurs && !isOlder(before, seen?.pointer) && (when === 'unless-ours' || before.version === bundle.version)) return { pointer: before }
  await ports.blobs.create(bundle.key, bundle.bytes)
  const rules = documents.reduce((sum, document) => sum + document.rules.length, 0)
  const pointer = await signPointer({ version: bundle.version, key: bundle.key, sequence: nextSequence(before, isOurs, seen?.pointer, ports.clock), rules, publishedAt: ports.clock.now(), by }, ports.signer)
  const { version, sequence, publishedAt } = pointer
  return { pointer, fact: cloudEvent('policy.published', '/policy', `policy-${sequence}-${version.slice(0, 16)}`, publishedAt, { version, digest: version, rules, by }, version) }
}

export async function nextTargets(ports: PublisherPorts, document: TargetsDocument, { by, when, seen }: ToPublish, before: SignedTargetsPointer | undefined, own: VerifyKey): Promise<Next<SignedTargetsPointer>> {
  const set = encodeTargets(document)
  const isOurs = before !== undefined && verifyTargetsPointer(before, [own]) === undefined
  if (isOurs && !isOlder(before, seen?.targets) && (when === 'unless-ours' || before.version === set.version)) return { pointer: before }
  await ports.blobs.create(set.key, set.bytes)
  const pointer = await signTargetsPointer({ version: set.version, key: set.key, sequence: nextSequence(before, isOurs, seen?.targets, ports.clock), targets: document.targets.length, publishedAt: ports.clock.now(), by }, ports.signer)
  const { version, sequence, publishedAt } = pointer
  const changes = targetChanges(isOurs ? await targetsOf(ports, before) : [], parsed(set.bytes, set.version))
  return { pointer, fact: cloudEvent('target.changed', '/policy', `targets-${sequence}-${version.slice(0, 16)}`, publishedAt, { version, targets: document.targets.length, ...changes, by }, version) }
}

/**
 * After a pointer that this key has not signed (a new key, or tampering) its number is not trusted: epoch ms are beyond any count.
 * One that was removed, or put back to an older one, is followed by a number that is new to every reader.
 */
function nextSequence(before: Pointer | undefined, isOurs: boolean, seen: Pointer | undefined, clock: Clock): number {
  if (before !== undefined && !isOurs) return Math.max(clock.now(), (seen?.sequence ?? 0) + 1)
  return Math.max(before?.sequence ?? 0, seen?.sequence ?? 0) + 1
}

function isOlder(before: Pointer, seen: Pointer | undefined): boolean {
  return seen !== undefined && before.sequence < seen.sequence
}

interface Named { readonly name: string }

/** Names of targets. */
export interface TargetChanges { readonly added: readonly string[], readonly removed: readonly string[], readonly changed: readonly string[] }

export function targetChanges(before: readonly Named[], after: readonly Named[]): TargetChanges {
  const [old, now] = [new Map(before.map((one) => [one.name, one])), new Map(after.map((one) => [one.name, one]))]
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].filter(([name, one]) => old.has(name) && !isDeepStrictEqual(old.get(name), one)).map(([name]) => name),
  }
}

/** What of the set before can still be read: the fact tells differences, and nothing hangs on it. */
async function targetsOf({ blobs }: PublisherPorts, { key, version }: Pointer): Promise<readonly Named[]> {
  const bytes = await blobs.read(key)
  return bytes === undefined ? [] : parsed(bytes, version)
}

function parsed(bytes: Uint8Array, version: string): readonly Named[] {
  for (const mode of ['real', 'sandbox'] as const) {
    const read = decodeTargets(bytes, version, mode)
    if ('targets' in read) return read.targets
  }
  return []
}
