/** The committed schema in the words of Terraform's plugin protocol (plugin.proto). */
import { wordsOf, type ProviderSchema, type SchemaBlock, type SchemaField } from '../provider-schema.ts'

/** Terraform's own notation of a type. */
type Type = 'string' | 'number' | 'bool' | readonly ['list' | 'set' | 'map', Type] | readonly ['object', Readonly<Record<string, Type>>]

interface WireAttribute { readonly name: string, readonly type: Buffer, readonly required: boolean, readonly optional: boolean, readonly computed: boolean }
interface WireBlock { readonly attributes: readonly WireAttribute[], readonly block_types: readonly WireNested[] }
interface WireNested { readonly type_name: string, readonly block: WireBlock, readonly nesting: 'SINGLE' | 'LIST' | 'SET', readonly min_items: number, readonly max_items: number }
interface WireSchema { readonly block: WireBlock }

export interface WireSchemas {
  readonly provider: WireSchema
  readonly resource_schemas: Readonly<Record<string, WireSchema>>
  readonly data_source_schemas: Readonly<Record<string, WireSchema>>
}

/** What the provider fills in where it is left out. The typed package does not tell it of any field; these two hold for all types. */
const FILLED_IN = new Set(['id', 'project'])

export function wireSchemas({ configuration, resource, data }: ProviderSchema): WireSchemas {
  const all = (blocks: Readonly<Record<string, SchemaBlock>>) => Object.fromEntries(Object.entries(blocks).map(([type, block]) => [type, { block: wireBlock(block, FILLED_IN) }]))
  return { provider: { block: wireBlock(configuration, new Set()) }, resource_schemas: all(resource), data_source_schemas: all(data) }
}

function wireBlock(block: SchemaBlock, filledIn: ReadonlySet<string>): WireBlock {
  const fields = Object.entries(block).filter(([name]) => name !== '')
  const isAttribute = ([, field]: [string, SchemaField]): boolean => typeof field === 'string' || wordsOf(field).some((word) => word === 'computed' || word === 'attribute')
  return {
    attributes: fields.filter(isAttribute).map(([name, field]) => {
      const words = wordsOf(field)
      const given = words[0] !== 'computed'
      return { name, type: Buffer.from(JSON.stringify(typeOf(field))), required: words.includes('required'), optional: given && !words.includes('required'), computed: !given || filledIn.has(name) && !words.includes('required') || words.includes('attribute') }
    }),
    block_types: fields.filter((field) => !isAttribute(field)).map(([name, field]) => nested(name, field as SchemaBlock)),
  }
}

function nested(name: string, field: SchemaBlock): WireNested {
  const words = wordsOf(field)
  const block = wireBlock(field, new Set())
  if (words.includes('struct')) return { type_name: name, block, nesting: 'SINGLE', min_items: 0, max_items: 0 }
  return { type_name: name, block, nesting: words.includes('set') ? 'SET' : 'LIST', min_items: words.includes('required') ? 1 : 0, max_items: words.includes('many') ? 0 : 1 }
}

function typeOf(field: SchemaField): Type {
  if (typeof field === 'object') return ['list', ['object', Object.fromEntries(Object.entries(field).filter(([name]) => name !== '').map(([name, inner]) => [name, typeOf(inner)]))]]
  const [form = 'string', more] = wordsOf(field).filter((word) => word !== 'computed' && word !== 'required')
  if (form === 'list' || form === 'set' || form === 'map') return [form, more === 'numbers' ? 'number' : 'string']
  return form === 'boolean' ? 'bool' : form === 'number' ? 'number' : 'string'
}
