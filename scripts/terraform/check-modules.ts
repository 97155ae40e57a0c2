/** Modules from outside: what is declared twice, undescribed, untyped or unused, what calls give and lack, and which versions are asked for. */
import { argumentOf, literalOf, type Body } from './hcl-blocks.ts'
import { blocksOf, localsOf, namesOf, sourceFolder, type Configuration, type Module, type Placed } from './read-configuration.ts'
import { mentionedIn } from './references.ts'
import type { ProviderSchema } from './provider-schema.ts'

const CALL_META = new Set(['source', 'version', 'for_each', 'count', 'providers', 'depends_on'])

export function checkModules(module: Module, configuration: Configuration, schema: ProviderSchema): readonly string[] {
  return [
    ...twice(module),
    ...blocksOf(module, 'variable').flatMap((variable) => [...described(variable), ...typed(variable)]),
    ...blocksOf(module, 'output').flatMap((output) => [...described(output), ...argumentOf(output.body, 'value') === undefined ? [`${output.file}:${output.line} output ${output.labels[0] ?? ''} has no value`] : []]),
    ...unused(module),
    ...blocksOf(module, 'module').flatMap((call) => checkCall(call, module, configuration)),
    ...checkVersions(module, schema),
  ]
}

function twice(module: Module): readonly string[] {
  const seen = new Map<string, Placed>()
  return module.blocks.flatMap((block) => {
    if (!/^(?:variable|output|module|resource|data)$/.test(block.type)) return []
    const name = [block.type, ...block.labels].join(' ')
    const first = seen.get(name)
    seen.set(name, block)
    return first === undefined ? [] : [`${block.file}:${block.line} ${name} is declared in ${first.file}:${first.line} already`]
  })
}

function described({ file, line, type, labels, body }: Placed): readonly string[] {
  const description = literalOf(argumentOf(body, 'description'))
  return description === undefined || description.trim().length < 3 ? [`${file}:${line} ${type} ${labels[0] ?? ''} has no description`] : []
}

function typed({ file, line, labels, body }: Placed): readonly string[] {
  const type = argumentOf(body, 'type')
  if (type === undefined) return [`${file}:${line} variable ${labels[0] ?? ''} has no type`]
  return type.value.some(({ kind, text }) => kind === 'name' && text === 'any') ? [`${file}:${type.line} variable ${labels[0] ?? ''} has the type any, which is none`] : []
}

/** A variable that only its own validation reads is not used. */
function unused(module: Module): readonly string[] {
  const used = new Set(module.blocks.filter(({ type }) => type !== 'variable').flatMap(({ body }) => referencesOf(body)))
  const validated = new Set(blocksOf(module, 'variable').flatMap(({ labels, body }) => referencesOf(body).filter((name) => name !== `var.${labels[0] ?? ''}`)))
  return [
    ...blocksOf(module, 'variable').filter(({ labels }) => !used.has(`var.${labels[0] ?? ''}`) && !validated.has(`var.${labels[0] ?? ''}`)).map(({ file, line, labels }) => `${file}:${line} variable ${labels[0] ?? ''} is used nowhere`),
    ...[...localsOf(module)].filter((name) => !used.has(`local.${name}`)).map((name) => {
      const block = blocksOf(module, 'locals').find(({ body }) => argumentOf(body, name) !== undefined)
      return `${block?.file ?? module.folder}:${argumentOf(block?.body ?? { arguments: [], blocks: [] }, name)?.line ?? 1} local ${name} is used nowhere`
    }),
  ]
}

function referencesOf(body: Body): readonly string[] {
  return [
    ...body.arguments.flatMap(({ value }) => mentionedIn(value).references.map(({ root, steps: [first] }) => `${root}.${first !== undefined && 'name' in first ? first.name : ''}`)),
    ...body.blocks.flatMap((block) => referencesOf(block.body)),
  ]
}

function checkCall(call: Placed, module: Module, configuration: Configuration): readonly string[] {
  const name = `module ${call.labels[0] ?? ''}`
  const folder = sourceFolder(module.folder, call.body)
  if (folder === undefined) return [`${call.file}:${call.line} ${name} does not come from a path in this repository`]
  const called = configuration.modules.get(folder)
  if (called === undefined) return [`${call.file}:${argumentOf(call.body, 'source')?.line ?? call.line} ${name} comes from ${folder}, where no module is`]
  const inputs = namesOf(called, 'variable')
  const required = blocksOf(called, 'variable').filter(({ body }) => argumentOf(body, 'default') === undefined).map(({ labels }) => labels[0] ?? '')
  return [
    ...call.body.arguments.filter((one) => !CALL_META.has(one.name) && !inputs.has(one.name)).map((one) => `${call.file}:${one.line} ${name} gives ${one.name}, which ${folder} does not take`),
    ...required.filter((one) => argumentOf(call.body, one) === undefined).map((one) => `${call.file}:${call.line} ${name} lacks ${one}`),
    ...call.body.blocks.map(({ type, line }) => `${call.file}:${line} ${name} has no block ${type}`),
  ]
}

/** Every module says which Terraform and, with resources, which provider it was written for: within one major version, not below the schema's. */
function checkVersions(module: Module, schema: ProviderSchema): readonly string[] {
  const [terraform] = blocksOf(module, 'terraform')
  const place = `${terraform?.file ?? module.blocks[0]?.file ?? module.folder}:${terraform?.line ?? 1}`
  const providers = (terraform?.body.blocks ?? []).filter(({ type }) => type === 'required_providers').flatMap(({ body }) => body.arguments)
  const usesProvider = module.blocks.some(({ type, labels }) => (type === 'resource' || type === 'data') && (labels[0] ?? '').startsWith('google_'))
  return [
    ...terraform === undefined || argumentOf(terraform.body, 'required_version') === undefined ? [`${place} ${module.folder} does not say which version of Terraform it needs`] : [],
    ...usesProvider && !providers.some(({ name }) => name === 'google') ? [`${place} ${module.folder} does not say which version of the provider google it needs`] : [],
    ...providers.flatMap(({ name, line, value }) => {
      const texts = value.filter(({ kind }) => kind === 'text').map(({ text }) => text)
      const file = terraform?.file ?? ''
      if (name !== 'google') return [`${file}:${line} ${module.folder} needs the provider ${name}, which this check knows nothing about`]
      const version = value.find(({ kind, text }) => kind === 'text' && /\d/.test(text))
      return texts.includes(schema.provider) && texts.some((text) => isPinned(text, schema.version)) ? [] : [`${file}:${version?.line ?? line} the provider google is not pinned to ~> ${schema.version.split('.').slice(0, 2).join('.')}`]
    }),
  ]
}

function isPinned(constraint: string, version: string): boolean {
  const [major, minor] = version.split('.')
  return constraint === `~> ${major ?? ''}.${minor ?? ''}` || constraint === `~> ${version}` || constraint === version || constraint === `= ${version}`
}
