/** Declared queries in Firestore's own words. */
import { shapeOf, type Position, type QueryTerms } from '@lockkeeper/domain/documents'
import type { Collection } from '@lockkeeper/domain/ports'
import { encodeId, encodeScalar, type FieldValue } from './encoding.ts'

interface Field { readonly fieldPath: string }
interface FieldFilter { readonly field: Field, readonly op: string, readonly value: FieldValue }
type Direction = 'ASCENDING' | 'DESCENDING'

export interface StructuredQuery {
  readonly from: readonly { readonly collectionId: string }[]
  readonly where?: { readonly compositeFilter: { readonly op: 'AND', readonly filters: readonly { readonly fieldFilter: FieldFilter }[] } }
  readonly orderBy: readonly { readonly field: Field, readonly direction: Direction }[]
  readonly startAt?: { readonly values: readonly FieldValue[], readonly before: boolean }
  readonly limit?: { readonly value: number }
}

/** Documents without the order field are in no answer, because nothing of theirs is indexed there. Ties follow the id in the order's direction. TypeError for what is undeclared. */
export function structuredQuery(collection: Collection, query: QueryTerms, page: { readonly root: string, readonly limit?: number, readonly after?: Position }): StructuredQuery {
  const { equal, order } = shapeOf(collection, query)
  const filters: FieldFilter[] = equal.map(name => ({ field: { fieldPath: `e.${name}` }, op: 'EQUAL', value: encodeScalar(query.equal[name]!) }))
  const direction = order?.direction === 'desc' ? 'DESCENDING' : 'ASCENDING'
  const field = order === undefined ? undefined : { fieldPath: `o.${order.field}` }
  if (field !== undefined && query.from !== undefined) filters.push({ field, op: 'GREATER_THAN_OR_EQUAL', value: encodeScalar(query.from) })
  if (field !== undefined && query.to !== undefined) filters.push({ field, op: 'LESS_THAN_OR_EQUAL', value: encodeScalar(query.to) })
  return {
    from: [{ collectionId: collection.name }],
    ...(filters.length === 0 ? {} : { where: { compositeFilter: { op: 'AND', filters: filters.map(fieldFilter => ({ fieldFilter })) } } }),
    orderBy: [...(field === undefined ? [] : [{ field, direction }] as const), { field: { fieldPath: '__name__' }, direction }],
    ...(page.after === undefined ? {} : { startAt: { values: place(collection, page.root, page.after), before: false } }),
    ...(page.limit === undefined ? {} : { limit: { value: page.limit } }),
  }
}

function place(collection: Collection, root: string, { id, value }: Position): FieldValue[] {
  const name = { referenceValue: `${root}/${collection.name}/${encodeId(id)}` }
  return value === undefined ? [name] : [encodeScalar(value), name]
}
