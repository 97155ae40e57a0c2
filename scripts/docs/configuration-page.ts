/** docs/configuration.md: every key of lockkeeper.yaml with its type, default and meaning. */
import { GENERATED } from './generated-note.ts'
import type { JsonSchema } from './json-schemas.ts'

interface Row {
  readonly key: string
  readonly type: string
  readonly value: string
  readonly meaning: string
}

export function configurationPage(schema: JsonSchema): string {
  const sections = Object.entries(schema.properties ?? {}).map(([name, property]) => [name, rowsOf(name, property, schema.required?.includes(name) === true)] as const)
  const plain = sections.filter(([, rows]) => rows.length === 1).flatMap(([, rows]) => rows)
  const large = sections.filter(([, rows]) => rows.length > 1)
  return [
    '# lockkeeper.yaml', '', GENERATED, '',
    'Durations are written `500ms`, `25s`, `10m` or `1h`, sizes `64KiB` or `4MiB`. Paths are relative to the file. A key that is not here stops the start,',
    'and all problems are named at once. Editors check the file with [lockkeeper.schema.json](lockkeeper.schema.json).', '',
    '## Plain keys', '', ...table(plain), '',
    ...large.flatMap(([name, rows]) => [`## ${name}`, '', ...table(rows), '']),
  ].join('\n')
}

function table(rows: readonly Row[]): readonly string[] {
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...rows.map(({ key, type, value, meaning }) => `| \`${key}\` | ${cell(type)} | ${cell(value)} | ${cell(meaning)} |`)]
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function rowsOf(key: string, schema: JsonSchema, needed: boolean): readonly Row[] {
  const children = childrenOf(key, schema)
  const row = { key, type: typeOf(schema), value: needed ? '**needed**' : defaultOf(schema.default), meaning: schema.description ?? '' }
  return [row, ...children]
}

function childrenOf(key: string, { properties, required, items, anyOf }: JsonSchema): readonly Row[] {
  if (items !== undefined) return childrenOf(`${key}[]`, items)
  const branches = (anyOf ?? []).filter((branch) => branch.properties !== undefined)
  // Alternatives of one place: each key once, and needed only within its own alternative.
  if (branches.length > 0) return uniqueRows(branches.flatMap((branch) => childrenOf(key, { ...branch, required: [] })))
  return Object.entries(properties ?? {}).flatMap(([name, property]) => rowsOf(`${key}.${name}`, property, required?.includes(name) === true))
}

function uniqueRows(rows: readonly Row[]): readonly Row[] {
  const types = Map.groupBy(rows, ({ key }) => key)
  return [...new Map(rows.map((row) => [row.key, { ...row, type: [...new Set(types.get(row.key)?.map(({ type }) => type))].join(' or ') }])).values()]
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${String(one)}\``).join(', ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map((branch) => branch.properties === undefined ? typeOf(branch) : keysOf(branch)))].join(' or ')
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.type}${boundsOf(schema)}`
  if (schema.pattern?.includes('ms|s') === true) return 'duration'
  if (schema.pattern?.includes('KiB') === true) return 'size'
  if (schema.type === 'object') return schema.properties === undefined && typeof schema.additionalProperties === 'object' ? `map of ${typeOf(schema.additionalProperties)}` : 'object'
  return schema.format === 'uri' ? 'URL' : schema.type ?? 'any'
}

function keysOf({ properties }: JsonSchema): string {
  return `{ ${Object.keys(properties ?? {}).join(', ')} }`
}

function boundsOf({ minimum, maximum }: JsonSchema): string {
  return minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}…${maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : maximum.toLocaleString('en-GB')}`
}

function defaultOf(value: unknown): string {
  return value === undefined || (typeof value === 'object' && Object.keys(value as object).length === 0 && !Array.isArray(value)) ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}
