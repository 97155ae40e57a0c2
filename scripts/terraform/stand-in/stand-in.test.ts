import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import { readProviderSchema } from '../provider-schema.ts'
import { openTrial, terraformIsHere, type Trial } from '../try-configurations.ts'
import { wireSchemas } from './wire-schema.ts'

const SCHEMA = join(import.meta.dirname, '../provider-schema.json')
const EXAMPLE = join(import.meta.dirname, '../example')

describe('the stand-in provider\'s schema', () => {
  const schema = { provider: 'a/b', version: '1', configuration: { project: 'string' }, data: {}, resource: {
    a_thing: {
      id: 'string', name: 'string required', project: 'string', state: 'computed', size: 'computed number', tags: 'set', bounds: 'list numbers required', marks: 'computed map', open: 'boolean',
      rules: { '': 'block many set required', port: 'number required' }, policy: { '': 'block', words: 'list' }, timeouts: { '': 'block struct', create: 'string' }, ends: { '': 'computed', port: 'computed number' },
    },
  } } as const
  const { attributes, block_types } = wireSchemas(schema).resource_schemas['a_thing']?.block ?? assert.fail()

  it('what is required, may be given, and is filled in by the provider, is told apart', () => {
    assert.deepEqual(attributes.map(({ name, type, required, optional, computed }) => `${name} ${type.toString()}${required ? ' required' : ''}${optional ? ' optional' : ''}${computed ? ' computed' : ''}`), [
      'id "string" optional computed', 'name "string" required', 'project "string" optional computed', 'state "string" computed', 'size "number" computed', 'tags ["set","string"] optional',
      'bounds ["list","number"] required', 'marks ["map","string"] computed', 'open "bool" optional', 'ends ["list",["object",{"port":"number"}]] computed',
    ])
  })

  it('blocks are single, lists or sets, and stand as often as they may', () => {
    assert.deepEqual(block_types.map(({ type_name, nesting, min_items, max_items }) => [type_name, nesting, min_items, max_items]), [['rules', 'SET', 1, 0], ['policy', 'LIST', 0, 1], ['timeouts', 'SINGLE', 0, 0]])
  })

  it('every type that terraform/ uses has one', () => {
    const { resource, data } = readProviderSchema(SCHEMA)
    const wire = wireSchemas(readProviderSchema(SCHEMA))
    assert.deepEqual([Object.keys(wire.resource_schemas), Object.keys(wire.data_source_schemas)], [Object.keys(resource), Object.keys(data)])
  })
})

const TITLE = 'terraform with the stand-in provider'
if (!terraformIsHere()) describeNotRun(TITLE, 'there is no terraform on the PATH')
else describe(TITLE, function () {
  this.timeout(180_000)
  let place: string
  before(() => { place = mkdtempSync(join(tmpdir(), 'lockkeeper-stand-in-')) })
  after(() => rmSync(place, { recursive: true, force: true }))

  /** The example's module with one thing replaced, as Terraform finds it. */
  async function tried(from: string, to: string): Promise<string> {
    cpSync(EXAMPLE, join(place, 'terraform'), { recursive: true })
    const main = join(place, 'terraform/modules/queue/main.tf')
    const text = readFileSync(main, 'utf8')
    assert.ok(text.includes(from), from)
    // What a run makes it takes away again.
    writeFileSync(main, text.replace(from, to).replace('prevent_destroy = true', 'prevent_destroy = false'))
    const trial: Trial = await openTrial(place)
    try {
      return (await trial.try('modules/queue')).faults.join('\n')
    } finally {
      trial.close()
    }
  }

  it('a module without a fault is valid and its tests pass', async () => assert.equal(await tried('ttl = ""', 'ttl = ""'), ''))

  const PLANTED: readonly (readonly [string, string, string, RegExp])[] = [
    ['an argument that the provider does not have', 'ttl = ""', 'tll = ""', /on main\.tf line \d+[\s\S]*An argument named "tll" is not expected here/],
    ['a value of another form', 'age = 7', 'age = [7]', /on main\.tf line \d+[\s\S]*Inappropriate value for attribute "age": number required/],
    ['a block that may stand once, twice', '  expiration_policy {', '  expiration_policy {\n    ttl = ""\n  }\n\n  expiration_policy {', /No more than 1 "expiration_policy" blocks are allowed/],
  ]
  for (const [what, from, to, said] of PLANTED) it(`${what} is refused, with its place`, async () => assert.match(await tried(from, to), said))
})
