/**
 * Request bodies as field tables. A type is a word: `string`, `int` (number or its text), `number`, `boolean`, `enum`, `any`,
 * `#Name`, or `list:` / `map:` before another type. Inline objects get a name of their own (`Bucket.lifecycle`).
 */
import type { DiscoverySchema } from './documents.ts'

export type FieldTable = Readonly<Record<string, string>>
export type SchemaTable = Readonly<Record<string, FieldTable | string>>

/** All schemas that the roots reach, sorted by name. */
export function schemasOf(all: Readonly<Record<string, DiscoverySchema>>, roots: Iterable<string>): SchemaTable {
  const done = new Map<string, FieldTable | string>()
  const waiting: [string, DiscoverySchema][] = []

  const want = (name: string, schema: DiscoverySchema | undefined) => {
    if (schema === undefined) throw new TypeError(`schema ${name} is missing`)
    if (!done.has(name)) {
      done.set(name, {})
      waiting.push([name, schema])
    }
    return `#${name}`
  }
  const typeOf = (schema: DiscoverySchema, place: string): string => {
    if (schema.$ref !== undefined) return want(schema.$ref, all[schema.$ref])
    if (schema.type === 'array') return `list:${typeOf(schema.items ?? { type: 'any' }, place)}`
    if (schema.type !== 'object') return primitiveOf(schema)
    if (schema.properties === undefined) return `map:${typeOf(schema.additionalProperties ?? { type: 'any' }, place)}`
    return want(place, schema)
  }
  for (const root of roots) want(root, all[root])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, schema] = next
    done.set(name, schema.properties === undefined ? emptyOrType(schema, typeOf, name) : fieldsOf(schema.properties, typeOf, name))
  }
  return Object.fromEntries([...done].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A message without fields takes none; a map or a free value is what it says. */
function emptyOrType(schema: DiscoverySchema, typeOf: (schema: DiscoverySchema, place: string) => string, name: string): FieldTable | string {
  return schema.type === 'object' && schema.additionalProperties === undefined ? {} : typeOf(schema, name)
}

function fieldsOf(properties: Readonly<Record<string, DiscoverySchema>>, typeOf: (schema: DiscoverySchema, place: string) => string, name: string): FieldTable {
  return Object.fromEntries(Object.keys(properties).sort().map((field) => [field, typeOf(properties[field] as DiscoverySchema, `${name}.${field}`)]))
}

function primitiveOf(schema: DiscoverySchema): string {
  if (schema.type === 'integer' || (schema.type === 'string' && /^u?int(?:32|64)$/.test(schema.format ?? ''))) return 'int'
  if (schema.type === 'string') return schema.enum === undefined ? 'string' : 'enum'
  if (schema.type === 'number' || schema.type === 'boolean' || schema.type === 'any') return schema.type
  throw new TypeError(`unknown schema type ${String(schema.type)}`)
}
