/** Declared collections as SQL: tables, indexes and the text of each query. Both threads use it; it touches no database. */
import { shapeOf, type Position } from '@lockkeeper/domain/documents'
import type { Collection, Query, QueryShape } from '@lockkeeper/domain/ports'

export function tableName(collection: string): string {
  return `"doc:${collection}"`
}

const value = (field: string): string => `(data ->> '$.${field}')`
const type = (field: string): string => `json_type(data, '$.${field}')`

/** Names are the content, so that a changed declaration drops the old index and makes the new one. */
export function wantedIndexes(collection: Collection): ReadonlyMap<string, string> {
  const indexes = new Map<string, string>()
  const add = (columns: readonly string[], label: string): void => {
    const name = `"doc:${collection.name}:${label}"`
    indexes.set(name, `CREATE INDEX IF NOT EXISTS ${name} ON ${tableName(collection.name)} (${columns.join(', ')})`)
  }
  for (const shape of Object.values(collection.queries)) {
    const order = shape.order === undefined ? [] : [value(shape.order.field)]
    if (shape.equal.length + order.length === 0) continue
    add([...shape.equal.map(value), ...order, 'id'], `${shape.equal.join(',')};${shape.order?.field ?? ''}`)
  }
  if (collection.ttlField !== undefined) add([value(collection.ttlField)], `ttl;${collection.ttlField}`)
  return indexes
}

export function expiredSql(collection: Collection): string | undefined {
  const field = collection.ttlField
  if (field === undefined) return undefined
  return `SELECT id FROM ${tableName(collection.name)} WHERE ${value(field)} <= ? AND ${type(field)} IN ('integer', 'real') LIMIT ?`
}

export interface Sql { readonly sql: string, readonly params: readonly (string | number)[] }

/** Documents without the order field are in no answer, as in Firestore. Ties follow the id in the order's direction. */
export function querySql(collection: Collection, query: Omit<Query, 'cursor'>, after?: Position): Sql {
  const shape = shapeOf(collection, query)
  const where: string[] = []
  const params: (string | number)[] = []
  const add = (condition: string, ...values: (string | number)[]): void => { where.push(condition); params.push(...values) }
  for (const field of shape.equal) {
    const wanted = query.equal[field]!
    add(`${value(field)} = ?`, typeof wanted === 'boolean' ? Number(wanted) : wanted)
    add(`${type(field)} ${typeof wanted === 'boolean' ? 'IN' : 'NOT IN'} ('true', 'false', 'object', 'array')`)
  }
  const descending = shape.order?.direction === 'desc'
  const direction = descending ? 'DESC' : 'ASC'
  const order = shape.order === undefined ? undefined : value(shape.order.field)
  if (order !== undefined && shape.order !== undefined) {
    add(`${type(shape.order.field)} IN ${orderTypes(query)}`)
    if (query.from !== undefined) add(`${order} >= ?`, query.from)
    if (query.to !== undefined) add(`${order} <= ?`, query.to)
  }
  if (after !== undefined) {
    const sign = descending ? '<' : '>'
    if (order === undefined) add(`id ${sign} ?`, after.id)
    else add(`(${order}, id) ${sign} (?, ?)`, after.value!, after.id)
  }
  const condition = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`
  const by = order === undefined ? `id ${direction}` : `${order} ${direction}, id ${direction}`
  return { sql: `SELECT id, version, data FROM ${tableName(collection.name)}${condition} ORDER BY ${by} LIMIT ?`, params: [...params, query.limit] }
}

function orderTypes(query: Omit<Query, 'cursor'>): string {
  const bound = query.from ?? query.to
  if (bound === undefined) return "('text', 'integer', 'real')"
  return typeof bound === 'string' ? "('text')" : "('integer', 'real')"
}

/** The same judgement as `querySql`, for one document: watches use it. */
export function matches(shape: QueryShape, query: Omit<Query, 'limit' | 'cursor'>, data: Readonly<Record<string, unknown>>): boolean {
  if (!shape.equal.every(field => data[field] === query.equal[field])) return false
  if (shape.order === undefined) return true
  const own = data[shape.order.field]
  if (typeof own !== 'string' && typeof own !== 'number') return false
  return within(own, query.from, bound => bound <= 0) && within(own, query.to, bound => bound >= 0)
}

function within(own: string | number, bound: string | number | undefined, holds: (compared: number) => boolean): boolean {
  if (bound === undefined) return true
  if (typeof bound === 'number') return typeof own === 'number' && holds(bound - own)
  // SQLite and Firestore compare UTF-8 bytes; `<` of JavaScript compares UTF-16 units.
  return typeof own === 'string' && holds(Buffer.compare(Buffer.from(bound), Buffer.from(own)))
}
