/**
 * How a document of the house lies in Firestore. The document itself is one JSON string, so that it comes back exactly as it was
 * written (Firestore has no lists in lists and other numbers than JSON); what declared queries look at stands beside it.
 *
 *   json  the document        v    its version, new with every write: an update that changes nothing keeps Firestore's own update time
 *   e     fields of `equal`   o    fields of `order`        ttl  when it may be deleted, for Firestore's TTL policy
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Scalar } from '@lockkeeper/domain/documents'
import type { Collection, Doc } from '@lockkeeper/domain/ports'

/** Seconds come from the wire as text. */
export interface Timestamp { readonly seconds?: number | string | null, readonly nanos?: number | null }

export interface FieldValue {
  readonly stringValue?: string
  readonly integerValue?: string | number
  readonly doubleValue?: number
  readonly booleanValue?: boolean
  readonly referenceValue?: string
  readonly timestampValue?: Timestamp | null
  readonly mapValue?: { readonly fields: Readonly<Record<string, FieldValue>> }
}

export interface StoredDocument {
  readonly name?: string | null
  readonly fields?: Readonly<Record<string, FieldValue>> | null
  readonly updateTime?: Timestamp | null
}

/** What must hold of a document when a write to it is committed. */
export type Precondition = { readonly exists: boolean } | { readonly updateTime: Timestamp }

export interface StoredWrite {
  readonly update?: { readonly name: string, readonly fields: Readonly<Record<string, FieldValue>> }
  readonly delete?: string
  /** Fields that an update touches; absent: it replaces the whole document. */
  readonly updateMask?: { readonly fieldPaths: readonly string[] }
  readonly updateTransforms?: readonly { readonly fieldPath: string, readonly setToServerValue: 'REQUEST_TIME' }[]
  readonly currentDocument?: Precondition
}

/** Firestore indexes the first 1,500 bytes of a text. */
const INDEXED_BYTES = 1400
const MAX_NAME_BYTES = 1500
/** 9999-12-31T23:59:59Z, the last moment that a Timestamp can name. */
const LAST_MOMENT_MS = 253_402_300_799_000

/** Slashes part the names of Firestore, dots and `__…__` are its own; every other text stays as it is. TypeError beyond its 1,500 bytes. */
export function encodeId(id: string): string {
  const plain = id.replaceAll(/[%/]/g, encodeURIComponent)
  const encoded = /^\.{1,2}$/.test(plain) ? plain.replaceAll('.', '%2E') : /^__.*__$/s.test(plain) ? `%5F${plain.slice(1)}` : plain
  if (Buffer.byteLength(encoded) > MAX_NAME_BYTES) throw new TypeError(`a document id has at most ${MAX_NAME_BYTES} bytes in Firestore, where a slash counts as three`)
  return encoded
}

export function decodeId(encoded: string): string {
  return encoded.replaceAll(/%(?:25|2F|2E|5F)/g, decodeURIComponent)
}

/** Text beyond what is indexed keeps its beginning, for order, and gets a hash, for equality. */
export function encodeScalar(value: Scalar): FieldValue {
  if (typeof value === 'boolean') return { booleanValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { integerValue: String(value) } : { doubleValue: value }
  if (Buffer.byteLength(value) <= INDEXED_BYTES) return { stringValue: value }
  // A cut inside of a character would leave half of it.
  const beginning = Buffer.from(value).subarray(0, INDEXED_BYTES - 50).toString('utf8').replace(/\ufffd+$/, '')
  return { stringValue: `${beginning} ${createHash('sha256').update(value).digest('base64url')}` }
}

export function encodeDocument(collection: Collection, json: string): Readonly<Record<string, FieldValue>> {
  const shapes = Object.values(collection.queries)
  const data = shapes.length === 0 && collection.ttlField === undefined ? {} : JSON.parse(json) as Readonly<Record<string, unknown>>
  const ttl = collection.ttlField === undefined ? undefined : data[collection.ttlField]
  return {
    json: { stringValue: json },
    v: { stringValue: randomBytes(12).toString('base64url') },
    e: { mapValue: { fields: pick(data, shapes.flatMap(shape => shape.equal), ['string', 'number', 'boolean']) } },
    o: { mapValue: { fields: pick(data, shapes.flatMap(shape => shape.order?.field ?? []), ['string', 'number']) } },
    ...(typeof ttl === 'number' ? { ttl: { timestampValue: moment(ttl) } } : {}),
  }
}

export function decodeDocument(stored: StoredDocument): Doc {
  const { json, v } = stored.fields ?? {}
  if (typeof json?.stringValue !== 'string' || typeof v?.stringValue !== 'string') throw new TypeError(`${stored.name} was not written by this store`)
  return { id: idOf(stored.name ?? ''), version: v.stringValue, data: JSON.parse(json.stringValue) as object }
}

export function idOf(name: string): string {
  return decodeId(name.slice(name.lastIndexOf('/') + 1))
}

function pick(data: Readonly<Record<string, unknown>>, fields: readonly string[], types: readonly string[]): Record<string, FieldValue> {
  return Object.fromEntries([...new Set(fields)].flatMap(field => types.includes(typeof data[field]) ? [[field, encodeScalar(data[field] as Scalar)]] : []))
}

/** 0 for what is no time. */
export function epochMs(timestamp: Timestamp | null | undefined): number {
  return Number(timestamp?.seconds ?? 0) * 1000 + (timestamp?.nanos ?? 0) / 1_000_000
}

function moment(wanted: number): Timestamp {
  const ms = Math.min(Math.max(Math.floor(wanted), 0), LAST_MOMENT_MS)
  return { seconds: Math.floor(ms / 1000), nanos: ms % 1000 * 1_000_000 }
}
