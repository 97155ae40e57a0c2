/** Sets that were pushed, each with a number of its own: entries signed in documents, files in blobs. Nothing is ever overwritten. */
import { hash } from 'node:crypto'
import { fromPlain, isJsonObject, parseStrict, serialise, toPlain } from '@lockkeeper/domain/json'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { BlobStore, Collection, DocumentStore, Ref, Signer } from '@lockkeeper/domain/ports'
import { signatureFault, signFacts, type Signature, type VerifyKey } from '@lockkeeper/policy-engine'
import type { FileText } from './policy-files.ts'

const FORMAT = 'lockkeeper-policy-set-v1'
const SIGNED_AS = 'lockkeeper-policy-set-entry-v1'

/** One set that was in force. */
export interface SetFacts {
  /** 1 for the first; no number is given twice. */
  readonly number: number
  /** SHA-256 of the blob's bytes. */
  readonly version: string
  /** Of the blob. */
  readonly key: string
  /** Version of the bundle that came of it. */
  readonly bundle: string
  readonly rules: number
  readonly files: number
  readonly by: string
  /** In the pusher's words; empty: none. */
  readonly note: string
  /** Epoch ms. */
  readonly at: number
}

/** `head` is a copy of the newest. */
export interface SetEntry extends SetFacts, Signature { readonly kind: 'set' | 'head' }

export const policySets: Collection<SetEntry> = {
  name: 'policy-sets',
  queries: {
    /** `{ kind: 'set' }`, newest first. */
    newest: { equal: ['kind'], order: { field: 'number', direction: 'desc' } },
  },
}

export const HEAD: Ref<SetEntry> = { collection: policySets, id: 'head' }
export const entryRef = (number: number): Ref<SetEntry> => ({ collection: policySets, id: `v${number}` })

export function encodeSet(files: readonly FileText[]): { readonly version: string, readonly key: string, readonly bytes: Uint8Array } {
  const bytes = new TextEncoder().encode(serialise(fromPlain({ format: FORMAT, files: Object.fromEntries(files.map(({ file, text }) => [file, text])) })))
  const version = hash('sha256', bytes, 'hex')
  return { version, key: `policy-sets/${version}`, bytes }
}

/** `problem`: bytes and entry do not belong together, so somebody has changed the store. PortUnavailable on outage. */
export async function readSet(blobs: BlobStore, { key, version }: SetFacts): Promise<{ readonly files: Readonly<Record<string, string>> } | { readonly problem: string }> {
  const bytes = await blobs.read(key)
  if (bytes === undefined || hash('sha256', bytes, 'hex') !== version) return { problem: `the files of policy set ${version.slice(0, 12)} are not those that were pushed` }
  const read = parseStrict(bytes)
  if (isRefusal(read) || !isJsonObject(read) || read['format'] !== FORMAT) return { problem: `policy set ${version.slice(0, 12)} is not of a known form` }
  return { files: toPlain(read['files'] ?? null) as Readonly<Record<string, string>> }
}

function signedPart({ number, version, key, bundle, rules, files, by, note, at }: SetFacts) {
  return { number, version, key, bundle, rules, files, by, note, at }
}

export async function signEntry(facts: SetFacts, signer: Signer): Promise<SetEntry> {
  return { kind: 'set', ...facts, ...await signFacts(SIGNED_AS, signedPart(facts), signer) }
}

/** What is wrong with an entry's signature; undefined: nothing. */
export function entryFault(entry: SetEntry, keys: readonly VerifyKey[]): string | undefined {
  return signatureFault('policy set', SIGNED_AS, signedPart(entry), entry, keys)
}

export async function readHead(documents: DocumentStore): Promise<SetEntry | undefined> {
  const [head] = await documents.read([HEAD])
  return head?.data
}

export async function readEntry(documents: DocumentStore, number: number): Promise<SetEntry | undefined> {
  const [entry] = await documents.read([entryRef(number)])
  return entry?.data
}
