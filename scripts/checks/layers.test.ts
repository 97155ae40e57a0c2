import assert from 'node:assert/strict'
import { join } from 'node:path'
import { checkLayers, readLayers, type Layers } from './layers.ts'
import { plantWorkspace, type PlantedWorkspace } from './planted-workspace.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A small workspace: low ← high ← app, a kit for tests, a lazy library. */
const LAYERS: Layers = {
  packages: {
    '@x/low': { imports: [], tests: ['@x/kit'] },
    '@x/high': { imports: ['@x/low'], tests: ['@x/kit'] },
    '@x/app': { imports: ['@x/low', '@x/high'], lazily: ['@x/lazy'], tests: ['@x/kit'] },
    '@x/service': { imports: ['@x/low'], roots: { files: ['src/main.ts', 'src/wire.ts'], imports: ['@x/high'] } },
    '@x/lazy': { imports: [] },
    '@x/kit': { imports: ['@x/low'] },
    workspace: { imports: [], reaches: true },
  },
  gateways: { 'the-sdk': ['packages/low/src/sdk.ts'], 'node:sqlite': ['packages/low/src/store/'] },
  computed: {},
}

const MANIFESTS: Readonly<Record<string, object>> = {
  low: { dependencies: { 'the-sdk': '1.0.0' }, devDependencies: { '@x/kit': '1.0.0' } },
  high: { dependencies: { '@x/low': '1.0.0' }, devDependencies: { '@x/kit': '1.0.0' } },
  app: { dependencies: { '@x/low': '1.0.0', '@x/high': '1.0.0', '@x/lazy': '1.0.0' } },
  lazy: {},
  service: { dependencies: { '@x/low': '1.0.0', '@x/high': '1.0.0' } },
  kit: { dependencies: { '@x/low': '1.0.0' } },
}

function smallWorkspace(files: Readonly<Record<string, string>>): PlantedWorkspace {
  const workspace = plantWorkspace(undefined)
  workspace.plant('package.json', JSON.stringify({ name: 'workspace', workspaces: ['packages/*'], devDependencies: { mocha: '1.0.0' } }))
  for (const [name, manifest] of Object.entries(MANIFESTS)) {
    workspace.plant(`packages/${name}/package.json`, JSON.stringify({ name: `@x/${name}`, exports: { '.': './src/index.ts' }, ...manifest }))
    workspace.plant(`packages/${name}/src/index.ts`, files[`packages/${name}/src/index.ts`] ?? 'export const name = 1\n')
  }
  for (const [file, text] of Object.entries(files)) workspace.plant(file, text)
  return workspace
}

function faultsOf(files: Readonly<Record<string, string>>): readonly string[] {
  const workspace = smallWorkspace(files)
  try {
    return checkLayers(workspace.root, LAYERS)
  } finally {
    workspace.remove()
  }
}

const LOW = 'packages/low/src/index.ts'
const HIGH = 'packages/high/src/index.ts'
const APP = 'packages/app/src/index.ts'
const SERVICE = 'packages/service/src/index.ts'
const WIRE = 'packages/service/src/wire.ts'
const MAIN = 'packages/service/src/main.ts'

const REFUSED: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
  ['an import from a higher layer', { [LOW]: 'import \'@x/high\'' }, [`${LOW}:1 must not import @x/high`]],
  ['a type from a higher layer', { [LOW]: '\nimport type { a } from \'@x/high\'' }, [`${LOW}:2 must not import @x/high`]],
  ['a type of a higher layer in place', { [LOW]: 'export type A = import(\'@x/high\').A' }, [`${LOW}:1 must not import @x/high`]],
  ['a re-export from a higher layer', { [LOW]: 'export * from \'@x/high\'' }, [`${LOW}:1 must not import @x/high`]],
  ['a dynamic import from a higher layer', { [LOW]: 'export const load = () => import(\'@x/high\')' }, [`${LOW}:1 must not import @x/high`]],
  ['test code in production', { [HIGH]: 'import \'@x/kit\'' }, [`${HIGH}:1 must not import @x/kit`]],
  ['test code in a file that production leads to', { [HIGH]: 'import \'./inner.ts\'', 'packages/high/src/inner.ts': 'import \'@x/kit\'' }, ['packages/high/src/inner.ts:1 must not import @x/kit']],
  ['a lazy library at the start', { [APP]: 'import \'@x/lazy\'' }, [`${APP}:1 loads @x/lazy at its start; only import() may load it`]],
  ['an adapter outside the composition root', { [SERVICE]: 'import \'@x/high\'' }, [`${SERVICE}:1 must not import @x/high`]],
  ['an adapter in what the composition root leads to', { [WIRE]: 'import \'./part.ts\'', 'packages/service/src/part.ts': 'import type { a } from \'@x/high\'' }, ['packages/service/src/part.ts:1 must not import @x/high']],
  ['a composition root in the service', { [WIRE]: 'import \'@x/high\'', [SERVICE]: 'export const load = () => import(\'./wire.ts\')' }, [`${SERVICE}:1 imports ./wire.ts, a composition root: only another one may`]],
  ['test code in a composition root', { [WIRE]: 'import \'@x/kit\'' }, [`${WIRE}:1 must not import @x/kit`]],
  ['an SDK in a composition root', { [MAIN]: 'import \'the-sdk\'' }, [`${MAIN}:1 imports the-sdk, which @x/service does not declare`]],
  ['an undeclared library', { [LOW]: 'import \'left-pad\'' }, [`${LOW}:1 imports left-pad, which @x/low does not declare`]],
  ['a library that only tests declare', { [LOW]: 'import \'mocha\'' }, [`${LOW}:1 imports mocha, which @x/low does not declare`]],
  ['a subpath that is not exported', { [HIGH]: 'import \'@x/low/src/index.ts\'' }, [`${HIGH}:1 imports @x/low/src/index.ts, which @x/low does not export`]],
  ['another package by path', { [HIGH]: 'import \'../../low/src/index.ts\'' }, [`${HIGH}:1 reaches into @x/low by path (../../low/src/index.ts)`]],
  ['another package\'s file by URL', { [HIGH]: 'new URL(\'../../low/src/index.ts\', import.meta.url)' }, [`${HIGH}:1 reaches into @x/low by path (../../low/src/index.ts)`]],
  ['its own package by name', { [LOW]: 'export const load = () => import(\'@x/low\')' }, [`${LOW}:1 imports its own package by name (@x/low)`]],
  ['an SDK outside its file', { [LOW]: 'import \'the-sdk\'' }, [`${LOW}:1 must not import the-sdk: only packages/low/src/sdk.ts may`]],
  ['a built-in outside its folder', { [LOW]: 'import \'node:sqlite\'' }, [`${LOW}:1 must not import node:sqlite: only packages/low/src/store/ may`]],
  ['a file that is not there', { [LOW]: 'import \'./gone.ts\'' }, [`${LOW}:1 imports ./gone.ts, which is not there`]],
  ['a computed import', { [LOW]: 'export const load = (name: string) => import(name)' }, [`${LOW}:1 imports a computed name, so nobody can say what it loads`]],
  ['files in a circle', { [LOW]: 'import \'./a.ts\'', 'packages/low/src/a.ts': 'import \'./b.ts\'', 'packages/low/src/b.ts': 'import type { a } from \'./a.ts\'' }, ['files in a circle: packages/low/src/a.ts, packages/low/src/b.ts']],
  ['a file that imports itself', { [LOW]: 'import \'./index.ts\'' }, [`files in a circle: ${LOW}`]],
  ['a package that the law does not name', { 'packages/new/package.json': '{"name":"@x/new"}' }, ['@x/new is not in scripts/layers.json']],
]

const ALLOWED: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['a lower layer, a declared library in its file, and a built-in', { [HIGH]: 'import \'@x/low\'\nimport \'node:path\'', [LOW]: 'import \'./sdk.ts\'', 'packages/low/src/sdk.ts': 'import \'the-sdk\'' }],
  ['an adapter in a composition root that another one starts', { [MAIN]: 'import \'./wire.ts\'', [WIRE]: 'import \'@x/high\'\nimport \'./index.ts\'' }],
  ['the kit and the root\'s tools in a test', { 'packages/low/src/a.test.ts': 'import \'@x/kit\'\nimport \'mocha\'' }],
  ['the kit in what only tests lead to', { 'packages/low/src/a.test.ts': 'import \'./world.ts\'', 'packages/low/src/world.ts': 'import \'@x/kit\'' }],
  ['an SDK in a test', { 'packages/low/src/a.test.ts': 'import \'the-sdk\'' }],
  ['a lazy library by import() and in types', { [APP]: 'import type { a } from \'@x/lazy\'\nexport const load = () => import(\'@x/lazy\')' }],
  ['a path out of its folder, and what any package declares, in the repository\'s own tools', { 'scripts/tool.ts': 'import \'../packages/low/src/index.ts\'\nimport \'@x/high\'\nimport \'the-sdk\'' }],
  ['two files that both use a third', { [LOW]: 'import \'./a.ts\'\nimport \'./b.ts\'', 'packages/low/src/a.ts': 'import \'./c.ts\'', 'packages/low/src/b.ts': 'import \'./c.ts\'', 'packages/low/src/c.ts': '' }],
]

describe('layers', () => {
  for (const [title, files, faults] of REFUSED) it(`refuses ${title}`, () => assert.deepEqual(faultsOf(files), faults))
  for (const [title, files] of ALLOWED) it(`allows ${title}`, () => assert.deepEqual(faultsOf(files), []))

  it('packages in a circle are refused even where the law allows each import', () => {
    const workspace = smallWorkspace({ [LOW]: 'import \'@x/high\'', [HIGH]: 'import \'@x/low\'' })
    const both = { imports: ['@x/low', '@x/high'] }
    const faults = checkLayers(workspace.root, { ...LAYERS, packages: { ...LAYERS.packages, '@x/low': both, '@x/high': both } })
    workspace.remove()
    assert.ok(faults.includes('packages in a circle: @x/high, @x/low'), faults.join('\n'))
  })

  it('what is planted in a copy of this repository is found', function () {
    this.timeout(60_000)
    const workspace = plantWorkspace(ROOT)
    try {
      const before = new Set(checkLayers(workspace.root, readLayers(ROOT)))
      workspace.append('services/proxy/src/service.ts', 'export type Planted = import(\'@lockkeeper/approval\').ApprovalService')
      workspace.append('shared/domain/src/digest.ts', 'export const planted = () => import(\'left-pad\')')
      workspace.append('shared/masking/src/index.ts', 'export * from \'./planted-one.ts\'')
      workspace.plant('shared/masking/src/planted-one.ts', 'import \'./planted-two.ts\'')
      workspace.plant('shared/masking/src/planted-two.ts', 'import \'./planted-one.ts\'')
      workspace.append('services/cli/src/main.ts', 'import \'@lockkeeper/sandbox\'\nimport \'@google-cloud/pubsub\'')
      const found = checkLayers(workspace.root, readLayers(ROOT)).filter((fault) => !before.has(fault)).map((fault) => fault.replace(/:\d+ /, ' '))
      assert.deepEqual(found.sort(), [
        'files in a circle: shared/masking/src/planted-one.ts, shared/masking/src/planted-two.ts',
        'services/cli/src/main.ts imports @google-cloud/pubsub, which lockkeeper does not declare',
        'services/cli/src/main.ts loads @lockkeeper/sandbox at its start; only import() may load it',
        'services/proxy/src/service.ts must not import @lockkeeper/approval',
        'shared/domain/src/digest.ts imports left-pad, which @lockkeeper/domain does not declare',
      ])
    } finally {
      workspace.remove()
    }
  })

  it('no package but the command may import a service, none but it and composition roots an adapter, and only tests the testkit', () => {
    const { packages } = readLayers(ROOT)
    const wide = /adapter-|^@lockkeeper\/(?:approval|audit|notifier|console|policy|proxy|testkit|sandbox)$/
    for (const [name, { imports, roots }] of Object.entries(packages)) {
      if (name !== 'lockkeeper') assert.deepEqual(imports.filter((one) => wide.test(one)), [], name)
      assert.deepEqual((roots?.imports ?? []).filter((one) => wide.test(one) && !one.includes('adapter-')), [], name)
    }
    assert.equal(packages['lockkeeper']?.imports.some((one) => /testkit|sandbox/.test(one)), false)
  })
})
