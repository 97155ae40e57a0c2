/** JSON Schemas for editors, from the zod schemas that the gateway reads its own files with. */
import { z } from 'zod'
import type { Comments } from './schema-comments.ts'

export interface JsonSchema {
  type?: string
  title?: string
  description?: string
  default?: unknown
  const?: unknown
  enum?: readonly unknown[]
  pattern?: string
  format?: string
  minimum?: number
  maximum?: number
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  items?: JsonSchema
  anyOf?: readonly JsonSchema[]
  additionalProperties?: boolean | JsonSchema
}

/** `title` is what editors show; `comments` become descriptions where the schema itself has none. */
export function jsonSchemaOf(schema: z.ZodType, title: string, comments: Comments): JsonSchema {
  const made = z.toJSONSchema(schema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      const schemaHere = zodSchema as unknown as z.ZodType
      // zod leaves out the default of a text that it turns into a number; in the file it is written with a unit.
      if (schemaHere instanceof z.ZodDefault && typeof schemaHere.def.defaultValue === 'number' && jsonSchema.type === 'string') jsonSchema.default = written(schemaHere.def.defaultValue, jsonSchema.pattern ?? '')
      // Alternatives that a constant tells apart: for an editor, any of them.
      if (jsonSchema.oneOf !== undefined) {
        jsonSchema.anyOf = jsonSchema.oneOf
        delete jsonSchema.oneOf
      }
      const range = rangeOf(schemaHere)
      if (range !== undefined) jsonSchema[RANGE] = range
    },
  }) as Ranged
  return { ...described(made, '', comments), title }
}

/** Carries what a number must lie between to where the property's description is put together. */
const RANGE = 'x-range'
type Ranged = JsonSchema & { readonly [RANGE]?: string }

/** Only here, where each place has a schema of its own: zod looks but once at a schema that several properties share. */
function described({ [RANGE]: _range, ...schema }: Ranged, path: string, comments: Comments): JsonSchema {
  const inside = <T>(part: T): T => typeof part === 'object' && part !== null ? described(part as Ranged, path, comments) as T : part
  return {
    ...schema,
    ...(schema.properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, describedProperty(property, path === '' ? name : `${path}.${name}`, comments)])) }),
    ...(schema.items === undefined ? {} : { items: inside(schema.items) }),
    ...(schema.anyOf === undefined ? {} : { anyOf: schema.anyOf.map(inside) }),
    ...(schema.additionalProperties === undefined ? {} : { additionalProperties: inside(schema.additionalProperties) }),
  }
}

/** A comment belongs to the property itself, not to the items or branches within it. */
function describedProperty(property: Ranged, path: string, comments: Comments): JsonSchema {
  const { [RANGE]: range } = property
  const description = property.description ?? comments.get(path)
  const parts = [description, range !== undefined && description?.includes(range) !== true ? range : undefined].filter((part) => part !== undefined)
  return described({ ...property, ...(parts.length === 0 ? {} : { description: parts.join(' ') }) }, path, comments)
}

/** What a text that is read as a number must lie between: said by the schema's own message. */
function rangeOf(schema: z.ZodType): string | undefined {
  for (const text of ['0s', '99999GiB']) {
    const result = schema.safeParse(text)
    const message = result.success ? undefined : result.error.issues.map((issue) => issue.message).find((one) => /^must (?:lie between|be) \d/.test(one))
    if (message !== undefined) return `It ${message}.`
  }
  return undefined
}

const DURATIONS: readonly (readonly [number, string])[] = [[3_600_000, 'h'], [60_000, 'm'], [1_000, 's'], [1, 'ms']]
const SIZES: readonly (readonly [number, string])[] = [[1024 ** 3, 'GiB'], [1024 ** 2, 'MiB'], [1024, 'KiB'], [1, 'B']]

/** Defaults are held as ms and bytes; in the file they are written with a unit. */
function written(value: number, pattern: string): string {
  const units = pattern.includes('KiB') ? SIZES : DURATIONS
  const [size, unit] = units.find(([one]) => value % one === 0) ?? [1, '']
  return `${value / size}${unit}`
}
