/**
 * What resources and data sources of the provider take and give, as scripts/terraform/provider-schema.json has it: the types that
 * terraform/ uses, generated from the provider's typed package, so that no provider has to be downloaded to check a file.
 */
import { readFileSync } from 'node:fs'

/** `[computed] string|number|boolean|map|list|set[ numbers][ required]`, or a block. Collections are of strings unless they say numbers; so is what is only `computed`. */
export type SchemaField = string | SchemaBlock

/** Fields by name; the empty name says what it is: `block`, `computed`, and for a block also `many`, `set`, `struct`, `required` and `attribute` (may be written either way). */
export interface SchemaBlock {
  readonly [name: string]: SchemaField
}

export interface ProviderSchema {
  readonly provider: string
  readonly version: string
  /** What a `provider` block takes. */
  readonly configuration: SchemaBlock
  readonly resource: Readonly<Record<string, SchemaBlock>>
  readonly data: Readonly<Record<string, SchemaBlock>>
}

export function readProviderSchema(file: string): ProviderSchema {
  return JSON.parse(readFileSync(file, 'utf8')) as ProviderSchema
}

/** The words that describe a field. */
export function wordsOf(field: SchemaField): readonly string[] {
  return (typeof field === 'string' ? field : String(field[''] ?? '')).split(' ')
}

/** A field by name; the description of the block itself is none. */
export function fieldOf(block: SchemaBlock, name: string): SchemaField | undefined {
  return name !== '' && Object.hasOwn(block, name) ? block[name] : undefined
}
