/**
 * The indexes of one database, from what its service declares, in the form of `firestore.indexes.json`
 * (firebase.google.com/docs/reference/firestore/indexes). Firestore makes indexes of single fields by itself; composite ones,
 * exemptions and TTL policies must be deployed.
 */
import type { Collection, QueryShape } from '@lockkeeper/domain/ports'
import { OUTBOX } from './outbox.ts'

interface IndexField { readonly fieldPath: string, readonly order: 'ASCENDING' | 'DESCENDING' }
interface CompositeIndex { readonly collectionGroup: string, readonly queryScope: 'COLLECTION', readonly fields: readonly IndexField[] }
interface FieldOverride { readonly collectionGroup: string, readonly fieldPath: string, readonly ttl?: true, readonly indexes: readonly [] }

export interface DatabaseIndexes {
  readonly indexes: readonly CompositeIndex[]
  readonly fieldOverrides: readonly FieldOverride[]
}

/** Sorted by name, so that the same declarations give the same file. */
export function databaseIndexes(collections: readonly Collection[]): DatabaseIndexes {
  const sorted = collections.toSorted((one, two) => one.name < two.name ? -1 : 1)
  return { indexes: sorted.flatMap(compositeIndexes), fieldOverrides: [...sorted.flatMap(fieldOverrides), ...unindexed(OUTBOX, ['json', 'topic'])] }
}

function compositeIndexes({ name, queries }: Collection): CompositeIndex[] {
  const found = new Map<string, CompositeIndex>()
  for (const shape of Object.values(queries)) {
    const fields = indexFields(shape)
    if (fields.length > 1) found.set(JSON.stringify(fields), { collectionGroup: name, queryScope: 'COLLECTION', fields })
  }
  return [...found.keys()].sort().map(key => found.get(key)!)
}

/** The name comes last by itself, in the last field's direction. */
function indexFields({ equal, order }: QueryShape): IndexField[] {
  const compared = equal.toSorted().map((field): IndexField => ({ fieldPath: `e.${field}`, order: 'ASCENDING' }))
  return order === undefined ? compared : [...compared, { fieldPath: `o.${order.field}`, order: order.direction === 'desc' ? 'DESCENDING' : 'ASCENDING' }]
}

/** What no query looks at has no index: the document's text is large, and moments grow, which makes one end of their index hot. */
function fieldOverrides({ name, ttlField }: Collection): FieldOverride[] {
  const ttl: FieldOverride[] = ttlField === undefined ? [] : [{ collectionGroup: name, fieldPath: 'ttl', ttl: true, indexes: [] }]
  return [...unindexed(name, ['json', 'v']), ...ttl]
}

function unindexed(collectionGroup: string, fields: readonly string[]): FieldOverride[] {
  return fields.map(fieldPath => ({ collectionGroup, fieldPath, indexes: [] }))
}
