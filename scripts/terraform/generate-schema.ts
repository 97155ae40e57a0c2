/**
 * `node scripts/terraform/generate-schema.ts FOLDER` writes scripts/terraform/provider-schema.json from the typed package of the
 * provider for the types that terraform/ uses. The package is large and archived, so it is no dependency: install it anywhere else,
 *
 *     cd "$(mktemp -d)" && npm init -y && npm install --ignore-scripts --legacy-peer-deps @cdktf/provider-google@16.12.1
 *
 * and name its folder, node_modules/@cdktf/provider-google. 16.12.1 is provider 6.50.0. Needed again when terraform/ uses a new type.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { readRepositoryFiles } from '../checks/repository-files.ts'
import type { SchemaBlock, SchemaField } from './provider-schema.ts'

const ROOT = join(import.meta.dirname, '../..')
const COMPUTED = /\/\/ (\w+) - computed: true/g
const ARGUMENT = /^ +(\w+): \{\n +value: (.+),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)"/gm

interface Argument { readonly many: boolean, readonly block: boolean, readonly type: string }

/** The generated classes of one type: each says of its fields in comments whether they are needed, and in a mapping how they are written. */
function readTypes(source: string): { readonly block: (name: string) => SchemaBlock, readonly root: string } {
  const classes = new Map([...source.matchAll(/^class (\w+) extends [\s\S]*?\n\}/gm)].map(([body, name]) => [name as string, body]))
  const mappings = new Map([...source.matchAll(/^function (\w+)ToHclTerraform\(struct\) \{[\s\S]*?\n\}/gm)].map(([body, name]) => [(name as string).toLowerCase(), body]))
  const root = [...classes].find(([, body]) => body.includes('synthesizeHclAttributes'))?.[0] ?? ''
  const block = (name: string): SchemaBlock => {
    const body = classes.get(name) ?? ''
    const written = readArguments(name === root ? body : mappings.get(name.replace(/OutputReference$/, '').toLowerCase()) ?? '')
    // What may be left out has a method that takes it back.
    const optional = new Set([...body.matchAll(/^ +reset(\w+)\(\) \{/gm)].map(([, one]) => (one as string).toLowerCase()))
    const computed = new Set([...body.matchAll(COMPUTED)].map(([, one]) => one as string))
    return Object.fromEntries([...new Set([...computed, ...written.keys()])].sort().map((field): [string, SchemaField] => [field, fieldOf(field)]))

    function fieldOf(field: string): SchemaField {
      const required = !optional.has(field.replaceAll('_', '').toLowerCase())
      const inner = new RegExp(`new (\\w+?)(?:List|Map|OutputReference)\\(this, "${field}"`).exec(body)?.[1]
      const inside = inner !== undefined && classes.has(`${inner}OutputReference`) ? block(`${inner}OutputReference`) : undefined
      const argument = written.get(field)
      if (argument === undefined) return inside === undefined ? ['computed', ...formOf(field, body)].join(' ') : { '': 'computed', ...inside }
      if (!argument.block || inside === undefined) return [argument.type, ...required ? ['required'] : []].join(' ')
      // A block that the provider fills in too is a list of objects that may be written with an equals sign.
      return { '': ['block', ...argument.many ? ['many'] : [], ...argument.type === 'block' ? [] : [argument.type], ...required ? ['required'] : [], ...computed.has(field) ? ['attribute'] : []].join(' '), ...inside }
    }
  }
  return { block, root }
}

/** How the classes read what only the provider sets. A string needs no word. */
function formOf(field: string, body: string): readonly string[] {
  const [, getter, map] = new RegExp(`this\\.get(\\w+)Attribute\\('${field}'\\)|new cdktf\\.(\\w+)\\(this, "${field}"`).exec(body) ?? []
  const forms: Readonly<Record<string, readonly string[]>> = { Boolean: ['boolean'], Number: ['number'], List: ['list'], NumberList: ['list', 'numbers'], StringMap: ['map'] }
  return forms[getter ?? map ?? ''] ?? []
}

function readArguments(text: string): ReadonlyMap<string, Argument> {
  return new Map([...text.matchAll(ARGUMENT)].map(([, name, value, block, kind, storage]) => [name as string, {
    many: /^cdktf\.(?:listMapperHcl|hashMapperHcl)\(/.test(value as string), block: block === 'true', type: typeOf(kind as string, storage as string, block === 'true'),
  }]))
}

/** Lists of blocks and of strings are what most are, so they go without a word. */
function typeOf(kind: string, storage: string, block: boolean): string {
  if (kind === 'simple') return storage
  return block && kind === 'list' ? 'block' : storage === 'numberList' ? `${kind} numbers` : kind
}

function typesInUse(): { readonly resource: ReadonlySet<string>, readonly data: ReadonlySet<string> } {
  const used = { resource: new Set<string>(), data: new Set<string>() }
  for (const { file, text } of readRepositoryFiles(ROOT)) {
    if (!/^terraform\/.*\.(?:tf|hcl)$/.test(file)) continue
    for (const [, kind, type] of text.matchAll(/^ *(?:mock_|override_)?(resource|data) "(google_\w+)"/gm)) used[kind as 'resource' | 'data'].add(type as string)
  }
  return used
}

function schemaOf(folder: string, kind: 'resource' | 'data', type: string): SchemaBlock | undefined {
  const short = `${kind === 'data' ? 'data-google-' : ''}${type.replace(/^google_/, '').replaceAll('_', '-')}`
  const file = [short, `google-${short}`].map((name) => join(folder, 'lib', name, 'index.js')).find((one) => existsSync(one))
  if (file === undefined) return undefined
  const { block, root } = readTypes(readFileSync(file, 'utf8'))
  return block(root)
}

function main(folder: string | undefined): number {
  if (folder === undefined || !existsSync(join(folder, 'lib')) || readdirSync(join(folder, 'lib')).length < 100) {
    process.stderr.write('name the folder of the installed @cdktf/provider-google; the head of this file says how to get it\n')
    return 2
  }
  const used = typesInUse()
  const lines = (kind: 'resource' | 'data'): string => [...used[kind]].sort().flatMap((type) => {
    const schema = schemaOf(folder, kind, type)
    if (schema === undefined) process.stderr.write(`the provider has no ${kind} ${type}\n`)
    return schema === undefined ? [] : [`    ${JSON.stringify(type)}: ${JSON.stringify(schema)}`]
  }).join(',\n')
  const { block, root } = readTypes(readFileSync(join(folder, 'lib/provider/index.js'), 'utf8'))
  // Neither an endpoint of each of Google's APIs, which nothing here may point elsewhere, nor blocks; the alias is Terraform's own.
  const own = Object.fromEntries(Object.entries(block(root)).filter(([name, field]) => !name.endsWith('_custom_endpoint') && field !== 'block' && name !== 'alias'))
  writeFileSync(join(import.meta.dirname, 'provider-schema.json'), `{
  "provider": "hashicorp/google",
  "version": "6.50.0",
  "configuration": ${JSON.stringify(own)},
  "resource": {\n${lines('resource')}\n  },
  "data": {\n${lines('data')}\n  }
}\n`)
  return 0
}

process.exitCode = main(process.argv[2])
