/** Declared collections and queries, judged the same way by every DocumentStore. */
import { LockkeeperError } from '../errors.ts'
import type { Collection, Query, QueryShape } from '../ports.ts'

const COLLECTION_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

export type Scalar = string | number | boolean

/** What a query asks for, without its page. */
export type QueryTerms = Omit<Query, 'limit' | 'cursor'>

/** Throws TypeError for names that cannot stand in every store and for one name declared twice with different queries. */
export function checkCollections(collections: readonly Collection[]): ReadonlyMap<string, Collection> {
  const declared = new Map<string, Collection>()
  for (const collection of collections) {
    if (!COLLECTION_NAME.test(collection.name)) throw new TypeError(`"${collection.name}" cannot be the name of a collection`)
    const fields = Object.values(collection.queries).flatMap(shape => [...shape.equal, ...(shape.order === undefined ? [] : [shape.order.field])])
    for (const field of [...fields, ...(collection.ttlField === undefined ? [] : [collection.ttlField])]) {
      if (!FIELD_NAME.test(field)) throw new TypeError(`collection ${collection.name}: "${field}" cannot be the field of a query`)
    }
    const before = declared.get(collection.name)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(collection)) throw new TypeError(`collection ${collection.name} is declared twice, differently`)
    declared.set(collection.name, collection)
  }
  return declared
}

/** The declared shape of a query whose values fit it; TypeError otherwise. */
export function shapeOf(collection: Collection, query: QueryTerms): QueryShape {
  const shape = Object.hasOwn(collection.queries, query.name) ? collection.queries[query.name] : undefined
  if (shape === undefined) throw new TypeError(`collection ${collection.name} declares no query "${query.name}"`)
  const given = Object.keys(query.equal).sort().join(',')
  if (given !== [...shape.equal].sort().join(',')) throw new TypeError(`query ${collection.name}.${query.name} compares [${shape.equal.join(', ')}], not [${given}]`)
  for (const [field, wanted] of Object.entries(query.equal)) {
    if (!isScalar(wanted)) throw new TypeError(`query ${collection.name}.${query.name}: ${field} is compared with no string, number or boolean`)
  }
  const bounds = [query.from, query.to].filter(bound => bound !== undefined)
  if (bounds.length > 0 && shape.order === undefined) throw new TypeError(`query ${collection.name}.${query.name} has no order field to bound`)
  if (bounds.some(bound => typeof bound !== 'string' && !Number.isFinite(bound)) || new Set(bounds.map(bound => typeof bound)).size > 1) {
    throw new TypeError(`query ${collection.name}.${query.name}: bounds are two strings or two finite numbers`)
  }
  return shape
}

export function isScalar(given: unknown): given is Scalar {
  return typeof given === 'string' || typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))
}

/** Where a page ended. */
export interface Position { readonly id: string, readonly value?: string | number }

export function encodeCursor(shape: QueryShape, id: string, data: Readonly<Record<string, unknown>>): string {
  const place = shape.order === undefined ? [id] : [id, data[shape.order.field]]
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** A cursor comes back through APIs: a broken one is the caller's mistake, LockkeeperError REQUEST_INVALID. */
export function decodeCursor(shape: QueryShape, cursor: string): Position {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new LockkeeperError('REQUEST_INVALID', 'The cursor is none of this list.', { cause })
  }
  if (Array.isArray(place) && typeof place[0] === 'string' && place.length === (shape.order === undefined ? 1 : 2)) {
    if (shape.order === undefined) return { id: place[0] }
    if (typeof place[1] === 'string' || typeof place[1] === 'number') return { id: place[0], value: place[1] }
  }
  throw new LockkeeperError('REQUEST_INVALID', 'The cursor is none of this list.')
}
