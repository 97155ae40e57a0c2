/** `*.tftest.hcl` and `*.tfvars`: they need the provider or a run to prove anything, so what they name is checked here. */
import { argumentOf, literalOf, type Argument, type Body } from './hcl-blocks.ts'
import { FUNCTIONS } from './functions.ts'
import { blocksOf, namesOf, sourceFolder, type Configuration, type Module, type ValuesFile } from './read-configuration.ts'
import { resolverOf } from './check-references.ts'
import { mentionedIn, type Reference } from './references.ts'
import { fieldOf, type ProviderSchema } from './provider-schema.ts'

export function checkValues({ file, folder, body }: ValuesFile, configuration: Configuration): readonly string[] {
  const module = configuration.modules.get(folder)
  return module === undefined ? [`${file}:1 has values for ${folder}, where no module is`] : body.arguments.flatMap((argument) => unknownVariable(file, argument, module))
}

export function checkTests(test: ValuesFile, configuration: Configuration, schema: ProviderSchema): readonly string[] {
  const module = configuration.modules.get(test.folder)
  if (module === undefined) return [`${test.file}:1 tests ${test.folder}, where no module is`]
  const own = test.body.blocks.filter(({ type }) => type === 'variables').flatMap(({ body }) => body.arguments)
  const given = new Set(own.map(({ name }) => name))
  const runs: string[] = []
  return test.body.blocks.flatMap((block) => {
    if (block.type === 'variables') return block.body.arguments.flatMap((argument) => unknownVariable(test.file, argument, module))
    if (block.type === 'mock_provider') return block.body.blocks.flatMap((mock) => checkMock(test.file, mock, schema))
    if (block.type === 'override_resource' || block.type === 'override_data' || block.type === 'override_module') return []
    if (block.type !== 'run') return block.type === 'provider' || block.type === 'test' ? [] : [`${test.file}:${block.line} a test has no block ${block.type}`]
    const faults = checkRun(test, block.body, block.line, block.labels[0] ?? '', module, { given, runs: [...runs], configuration, schema })
    runs.push(block.labels[0] ?? '')
    return faults
  })
}

interface Around {
  /** Variables that the whole file gives. */
  readonly given: ReadonlySet<string>
  /** Runs before this one. */
  readonly runs: readonly string[]
  readonly configuration: Configuration
  readonly schema: ProviderSchema
}

function unknownVariable(file: string, { name, line }: Argument, module: Module): readonly string[] {
  return namesOf(module, 'variable').has(name) ? [] : [`${file}:${line} gives ${name}, which ${module.folder} does not take`]
}

function checkMock(file: string, mock: { readonly type: string, readonly labels: readonly string[], readonly line: number, readonly body: Body }, schema: ProviderSchema): readonly string[] {
  if (mock.type !== 'mock_resource' && mock.type !== 'mock_data') return []
  const fields = schema[mock.type === 'mock_data' ? 'data' : 'resource'][mock.labels[0] ?? '']
  if (fields === undefined) return [`${file}:${mock.line} mocks ${mock.labels[0] ?? ''}, which the schema does not have`]
  const defaults = argumentOf(mock.body, 'defaults')?.value ?? []
  let depth = 0
  return defaults.flatMap((token, at) => {
    if (token.kind === 'mark' && '([{'.includes(token.text)) depth += 1
    if (token.kind === 'mark' && ')]}'.includes(token.text)) depth -= 1
    return depth === 1 && token.kind === 'name' && defaults[at + 1]?.text === '=' && fieldOf(fields, token.text) === undefined ? [`${file}:${token.line} mocks ${mock.labels[0] ?? ''}.${token.text}, which it does not have`] : []
  })
}

function checkRun(test: ValuesFile, body: Body, line: number, name: string, tested: Module, around: Around): readonly string[] {
  const { configuration, schema } = around
  const other = body.blocks.find(({ type }) => type === 'module')
  const module = other === undefined ? tested : configuration.modules.get(sourceFolder(tested.folder, other.body) ?? '')
  if (module === undefined) return [`${test.file}:${other?.line ?? line} run ${name} tests a module that is not there`]
  const own = body.blocks.filter(({ type }) => type === 'variables').flatMap((one) => one.body.arguments)
  const given = new Set([...around.given, ...own.map((one) => one.name)])
  const lacking = blocksOf(module, 'variable').filter((one) => argumentOf(one.body, 'default') === undefined && !given.has(one.labels[0] ?? ''))
  const command = literalOf(argumentOf(body, 'command'))
  const asserts = body.blocks.filter(({ type }) => type === 'assert')
  const inModule = resolverOf(module, configuration, schema)
  const resolve = (reference: Reference): string | undefined => {
    const [first] = reference.steps
    const named = first !== undefined && 'name' in first ? first.name : ''
    if (reference.root === 'output') return namesOf(module, 'output').has(named) ? undefined : `names output.${named}, which ${module.folder} does not have`
    if (reference.root === 'check') return namesOf(module, 'check').has(named) ? undefined : `names check.${named}, which ${module.folder} does not have`
    if (reference.root === 'run') return around.runs.includes(named) ? undefined : `names run.${named}, which is not before it`
    return inModule(reference)
  }
  return [
    ...own.flatMap((argument) => unknownVariable(test.file, argument, module)),
    ...lacking.map((one) => `${test.file}:${line} run ${name} lacks ${one.labels[0] ?? ''}`),
    ...command === undefined || command === 'plan' || command === 'apply' ? [] : [`${test.file}:${line} run ${name} has the command ${command}`],
    ...asserts.length === 0 && argumentOf(body, 'expect_failures') === undefined ? [`${test.file}:${line} run ${name} asserts nothing`] : [],
    ...asserts.flatMap((assert) => ['condition', 'error_message'].filter((one) => argumentOf(assert.body, one) === undefined).map((one) => `${test.file}:${assert.line} an assertion of run ${name} lacks ${one}`)),
    ...[...body.arguments.filter((one) => one.name === 'expect_failures'), ...asserts.flatMap((assert) => assert.body.arguments), ...own].flatMap(({ value }) => faultsIn(test.file, value, resolve)),
  ]
}

function faultsIn(file: string, value: Argument['value'], resolve: (reference: Reference) => string | undefined): readonly string[] {
  const { references, calls } = mentionedIn(value)
  return [
    ...calls.filter((call) => !FUNCTIONS.has(call.function)).map((call) => `${file}:${call.line} calls ${call.function}, which Terraform does not know`),
    ...references.flatMap((reference) => {
      const fault = resolve(reference)
      return fault === undefined ? [] : [`${file}:${reference.line} ${fault}`]
    }),
  ]
}
