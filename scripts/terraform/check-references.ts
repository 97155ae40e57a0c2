/** Everything that an expression names must be there: variables, locals, modules' outputs, resources and their attributes, iterators, functions. */
import { argumentOf, type Argument, type Block, type Body } from './hcl-blocks.ts'
import { FUNCTIONS, TYPE_WORDS } from './functions.ts'
import { blocksOf, localsOf, namesOf, sourceFolder, type Configuration, type Module, type Placed } from './read-configuration.ts'
import { mentionedIn, type Reference, type Step } from './references.ts'
import { fieldOf, type ProviderSchema, type SchemaField } from './provider-schema.ts'

/** What a place in a module may name beside what the module declares. */
interface Scope {
  readonly file: string
  readonly each: boolean
  readonly count: boolean
  readonly self: boolean
  readonly iterators: readonly string[]
}

/** Explains what is wrong with a reference; undefined: nothing. */
export type Resolver = (reference: Reference) => string | undefined

const PATHS = new Set(['module', 'root', 'cwd'])

export function checkReferences(module: Module, configuration: Configuration, schema: ProviderSchema): readonly string[] {
  const resolve = resolverOf(module, configuration, schema)
  return module.blocks.filter(({ type }) => type !== 'terraform').flatMap((block) => {
    const has = (name: string): boolean => argumentOf(block.body, name) !== undefined
    const scope: Scope = { file: block.file, each: has('for_each'), count: has('count'), self: false, iterators: [] }
    const body: Body = block.type === 'provider' || block.type === 'moved' || block.type === 'removed' ? { arguments: [], blocks: [] } : block.body
    return checkBody(body, block.type, scope, resolve)
  })
}

function checkBody(body: Body, type: string, scope: Scope, resolve: Resolver): readonly string[] {
  return [
    ...body.arguments.filter((argument) => !isNoExpression(type, argument)).flatMap((argument) => checkExpression(argument, scope, resolve)),
    ...body.blocks.flatMap((block) => block.type === 'dynamic' ? checkDynamic(block, scope, resolve) : checkBody(block.body, block.type, { ...scope, self: scope.self || block.type === 'postcondition' }, resolve)),
  ]
}

/** Names of attributes, types and providers, which are no references. */
function isNoExpression(type: string, { name }: Argument): boolean {
  return type === 'variable' && name === 'type' || type === 'lifecycle' && name === 'ignore_changes' || name === 'provider' || type === 'module' && name === 'providers'
}

function checkDynamic(block: Block, scope: Scope, resolve: Resolver): readonly string[] {
  const iterator = argumentOf(block.body, 'iterator')?.value[0]?.text ?? block.labels[0] ?? ''
  const outside: Body = { arguments: block.body.arguments.filter(({ name }) => name !== 'iterator'), blocks: [] }
  const inner = { ...scope, iterators: [...scope.iterators, iterator] }
  return [...checkBody(outside, 'dynamic', scope, resolve), ...block.body.blocks.flatMap(({ body }) => checkBody(body, 'content', inner, resolve))]
}

function checkExpression({ value }: Argument, scope: Scope, resolve: Resolver): readonly string[] {
  const { references, calls } = mentionedIn(value)
  return [
    ...calls.filter((call) => !FUNCTIONS.has(call.function)).map((call) => `${scope.file}:${call.line} calls ${call.function}, which Terraform does not know`),
    ...references.flatMap((reference) => {
      const fault = faultInScope(reference, scope, resolve)
      return fault === undefined ? [] : [`${scope.file}:${reference.line} ${fault}`]
    }),
  ]
}

function faultInScope(reference: Reference, scope: Scope, resolve: Resolver): string | undefined {
  const { root, steps } = reference
  const [first] = steps.map(nameOf)
  if (scope.iterators.includes(root)) return first === 'key' || first === 'value' ? undefined : `names ${root}.${first ?? ''}; an iterator has key and value`
  if (root === 'each') return !scope.each ? 'names each without for_each' : first === 'key' || first === 'value' ? undefined : `names each.${first ?? ''}; there are each.key and each.value`
  if (root === 'count') return scope.count && first === 'index' ? undefined : 'names count without count'
  if (root === 'self') return scope.self ? undefined : 'names self outside a postcondition'
  return resolve(reference)
}

function nameOf(step: Step | undefined): string | undefined {
  return step !== undefined && 'name' in step ? step.name : undefined
}

/** What the module itself declares. */
export function resolverOf(module: Module, configuration: Configuration, schema: ProviderSchema): Resolver {
  const variables = namesOf(module, 'variable')
  const locals = localsOf(module)
  return ({ root, steps }) => {
    const first = nameOf(steps[0])
    if (root === 'var') return first !== undefined && variables.has(first) ? undefined : `names var.${first ?? ''}, which is not declared`
    if (root === 'local') return first !== undefined && locals.has(first) ? undefined : `names local.${first ?? ''}, which is not declared`
    if (root === 'path') return first !== undefined && PATHS.has(first) ? undefined : `names path.${first ?? ''}`
    if (root === 'terraform') return first === 'workspace' ? undefined : `names terraform.${first ?? ''}`
    if (root === 'module') return faultOfModule(first, steps.slice(1), module, configuration)
    if (root === 'data') return faultOfResource('data', first ?? '', steps.slice(1), module, schema)
    return TYPE_WORDS.has(root) && steps.length === 0 ? `names ${root}, which is a type` : faultOfResource('resource', root, steps, module, schema)
  }
}

function faultOfModule(name: string | undefined, steps: readonly Step[], module: Module, configuration: Configuration): string | undefined {
  const call = blocksOf(module, 'module').find(({ labels }) => labels[0] === name)
  if (call === undefined) return `names module.${name ?? ''}, which is not called`
  const index = faultOfIndex(call, `module.${name ?? ''}`, steps[0])
  if (index !== undefined) return index
  const called = configuration.modules.get(sourceFolder(module.folder, call.body) ?? '')
  const output = nameOf(steps[0] !== undefined && !('name' in steps[0]) ? steps[1] : steps[0])
  return called === undefined || output === undefined || namesOf(called, 'output').has(output) ? undefined : `names module.${name ?? ''}.${output}, which is no output of ${called.folder}`
}

/** With count or for_each there are several, and one has to be chosen; without there is one. */
function faultOfIndex(block: Placed, name: string, step: Step | undefined): string | undefined {
  const several = argumentOf(block.body, 'count') !== undefined || argumentOf(block.body, 'for_each') !== undefined
  if (several && step !== undefined && 'name' in step) return `names ${name}.${step.name}; there are several ${name}, so choose one`
  return !several && step !== undefined && 'index' in step ? `chooses among ${name}; there is one` : undefined
}

function faultOfResource(kind: 'resource' | 'data', type: string, steps: readonly Step[], module: Module, schema: ProviderSchema): string | undefined {
  const name = nameOf(steps[0])
  const address = `${kind === 'data' ? 'data.' : ''}${type}.${name ?? ''}`
  const block = blocksOf(module, kind).find(({ labels }) => labels[0] === type && labels[1] === name)
  if (block === undefined) return `names ${address.replace(/\.$/, '')}, which is not declared`
  const index = faultOfIndex(block, address, steps[1])
  if (index !== undefined) return index
  const fields = schema[kind][type]
  return fields === undefined ? undefined : faultOfAttribute(address, fields, steps.slice(1))
}

/** Follows names through blocks; behind what the schema knows nothing about, anything goes. */
function faultOfAttribute(address: string, fields: SchemaField, steps: readonly Step[]): string | undefined {
  const at = steps.findIndex((step) => 'name' in step)
  const name = nameOf(steps[at])
  if (name === undefined || typeof fields === 'string') return undefined
  const field = fieldOf(fields, name)
  return field === undefined ? `names ${address}.${name}, an attribute that it does not have` : faultOfAttribute(`${address}.${name}`, field, steps.slice(at + 1))
}
