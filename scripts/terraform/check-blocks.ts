/** Resources and data sources against the provider's schema: types, arguments, blocks and what is required, at any depth. */
import { argumentOf, type Argument, type Block, type Body } from './hcl-blocks.ts'
import type { Module, Placed } from './read-configuration.ts'
import { fieldOf, wordsOf, type ProviderSchema, type SchemaBlock } from './provider-schema.ts'

const META_ARGUMENTS = new Set(['count', 'for_each', 'provider', 'depends_on'])
const META_BLOCKS = new Set(['lifecycle', 'provisioner', 'connection'])
const LIFECYCLE: SchemaBlock = {
  create_before_destroy: 'boolean', prevent_destroy: 'boolean', ignore_changes: 'list', replace_triggered_by: 'list',
  precondition: { '': 'block many', condition: 'any required', error_message: 'string required' },
  postcondition: { '': 'block many', condition: 'any required', error_message: 'string required' },
}

export function checkBlocks(module: Module, schema: ProviderSchema): readonly string[] {
  return module.blocks.flatMap((block) => {
    if (block.type !== 'resource' && block.type !== 'data') return []
    const [type = ''] = block.labels
    const fields = schema[block.type][type]
    if (fields === undefined) return type === 'terraform_data' ? [] : [`${block.file}:${block.line} ${block.type} ${type} is not in provider-schema.json: the provider has none, or generate-schema.ts has not run since`]
    const seen = { file: block.file, name: `${type}.${block.labels[1] ?? ''}` }
    const own: Body = { arguments: block.body.arguments.filter(({ name }) => !META_ARGUMENTS.has(name)), blocks: block.body.blocks.filter((one) => !META_BLOCKS.has(one.type)) }
    return [...checkBody(own, fields, seen, block.line), ...checkMeta(block, fields, seen)]
  })
}

interface Seen {
  readonly file: string
  /** What messages call it: `google_pubsub_topic.main`, with blocks behind it. */
  readonly name: string
}

function checkMeta(block: Placed, fields: SchemaBlock, seen: Seen): readonly string[] {
  const both = argumentOf(block.body, 'count') !== undefined ? argumentOf(block.body, 'for_each') : undefined
  return [
    ...both === undefined ? [] : [`${seen.file}:${both.line} ${seen.name} has both count and for_each`],
    ...block.body.blocks.filter(({ type }) => type === 'provisioner' || type === 'connection').map(({ type, line }) => `${seen.file}:${line} ${seen.name} has a ${type}: nothing runs beside Terraform`),
    ...block.body.blocks.filter(({ type }) => type === 'lifecycle').flatMap((lifecycle) => [
      ...checkBody(lifecycle.body, LIFECYCLE, { ...seen, name: `${seen.name} lifecycle` }, lifecycle.line),
      ...(argumentOf(lifecycle.body, 'ignore_changes')?.value ?? []).filter(({ kind, text }, at, all) => kind === 'name' && text !== 'all' && all[at - 1]?.text !== '.' && fieldOf(fields, text) === undefined)
        .map(({ line, text }) => `${seen.file}:${line} ${seen.name} ignores changes of ${text}, which it does not have`),
    ]),
  ]
}

function checkBody(body: Body, fields: SchemaBlock, seen: Seen, line: number): readonly string[] {
  const statics = body.blocks.filter(({ type }) => type !== 'dynamic')
  const dynamics = body.blocks.filter(({ type }) => type === 'dynamic')
  const written = new Set([...body.arguments.map(({ name }) => name), ...statics.map(({ type }) => type), ...dynamics.map(({ labels }) => labels[0] ?? '')])
  const missing = Object.keys(fields).filter((name) => name !== '' && wordsOf(fields[name] ?? '').includes('required') && !written.has(name))
  return [
    ...missing.map((name) => `${seen.file}:${line} ${seen.name} lacks ${name}`),
    ...body.arguments.flatMap((argument) => checkArgument(argument, fields, seen)),
    ...statics.flatMap((block, at) => checkBlock(block, block.type, block.body, fields, seen, statics.slice(0, at).some(({ type }) => type === block.type))),
    ...dynamics.flatMap((block) => checkDynamic(block, fields, seen)),
  ]
}

function checkArgument({ name, line, value }: Argument, fields: SchemaBlock, seen: Seen): readonly string[] {
  const field = fieldOf(fields, name)
  if (field === undefined) return [`${seen.file}:${line} ${seen.name} has no argument ${name}`]
  const words = wordsOf(field)
  if (words[0] === 'computed') return [`${seen.file}:${line} ${seen.name} sets ${name}, which the provider sets`]
  if (typeof field === 'object') return words.includes('attribute') ? [] : [`${seen.file}:${line} ${seen.name} writes ${name} as an argument; it is a block`]
  const fault = kindFault(words[0] ?? '', value)
  return fault === undefined ? [] : [`${seen.file}:${line} ${seen.name} gives ${name} ${fault}`]
}

/** Only where the whole expression is one literal: what others come to, nobody knows before they run. */
function kindFault(type: string, value: Argument['value']): string | undefined {
  const [first, more] = value
  const many = /^(?:list|set|map|stringMap)$/.test(type)
  if (many && more === undefined && (first?.kind === 'text' || first?.kind === 'number' || first?.text === 'true' || first?.text === 'false')) return `one value, where it is a ${type}`
  if (/^(?:string|number|boolean)$/.test(type) && first?.kind === 'mark' && '[{'.includes(first.text)) return `a collection, where it is a ${type}`
  if (type === 'number' && more === undefined && first?.kind === 'text' && first.inside?.length === 0 && !/^-?[\d.]+$/.test(first.text)) return `"${first.text}", where it is a number`
  if (type === 'boolean' && more === undefined && (first?.kind === 'number' || first?.kind === 'text' && first.inside?.length === 0 && !/^(?:true|false)$/.test(first.text))) return `"${first.text}", where it is a boolean`
  return undefined
}

function checkDynamic(dynamic: Block, fields: SchemaBlock, seen: Seen): readonly string[] {
  const content = dynamic.body.blocks.find(({ type }) => type === 'content')
  const [name = ''] = dynamic.labels
  if (content === undefined) return [`${seen.file}:${dynamic.line} ${seen.name} dynamic ${name} has no content`]
  return [
    ...argumentOf(dynamic.body, 'for_each') === undefined ? [`${seen.file}:${dynamic.line} ${seen.name} dynamic ${name} lacks for_each`] : [],
    ...dynamic.body.arguments.filter((one) => !/^(?:for_each|iterator|labels)$/.test(one.name)).map((one) => `${seen.file}:${one.line} ${seen.name} dynamic ${name} has no argument ${one.name}: it belongs in content`),
    ...checkBlock(dynamic, name, content.body, fields, seen, false),
  ]
}

function checkBlock({ line }: Block, name: string, body: Body, fields: SchemaBlock, seen: Seen, again: boolean): readonly string[] {
  const field = fieldOf(fields, name)
  if (field === undefined) return [`${seen.file}:${line} ${seen.name} has no block ${name}`]
  if (typeof field === 'string') return [`${seen.file}:${line} ${seen.name} writes ${name} as a block; it is an argument`]
  if (wordsOf(field)[0] === 'computed') return [`${seen.file}:${line} ${seen.name} sets ${name}, which the provider sets`]
  return [
    ...again && !wordsOf(field).includes('many') ? [`${seen.file}:${line} ${seen.name} has ${name} twice`] : [],
    ...checkBody(body, field, { ...seen, name: `${seen.name} ${name}` }, line),
  ]
}
