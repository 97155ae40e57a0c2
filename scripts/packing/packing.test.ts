import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { bundle } from './bundle.ts'
import { checkBundle, packageOf } from './bundle-contents.ts'
import { nameDynamicCommonJs } from './dynamic-commonjs.ts'
import { entryName, rewriteLocated, type LocatedFile } from './located-files.ts'
import { thirdPartyLicences } from './third-party.ts'

const ROOT = join(import.meta.dirname, '../..')

const WORKER: LocatedFile = { from: 'shared/a/src/a.ts', specifier: './worker/main.ts', file: 'shared/a/src/worker/main.ts', becomes: 'entry', target: './a-worker-main.js' }

describe('packing: files found by URL', () => {
  it('a worker is looked for where the bundle has it', () => {
    assert.equal(rewriteLocated('shared/a/src/a.ts', 'x(new URL(\'./worker/main.ts\', import.meta.url))', [WORKER]), 'x(new URL(\'./a-worker-main.js\', import.meta.url))')
  })

  it('another file\'s URLs are left alone', () => {
    const text = 'x(new URL(\'./worker/main.ts\', import.meta.url))'
    assert.equal(rewriteLocated('shared/b/src/b.ts', text, [WORKER]), text)
  })

  it('a URL that is written in another way stops the packing', () => {
    assert.throws(() => rewriteLocated('shared/a/src/a.ts', 'new URL("./worker/main.ts", import.meta.url)', [WORKER]), TypeError)
  })

  it('entries of one name in different packages have different names', () => {
    assert.equal(entryName('shared/adapters/sqlite/src/worker/main.ts'), 'adapters-sqlite-worker-main')
    assert.equal(entryName('services/policy/src/yaml-worker.ts'), 'policy-yaml-worker')
  })
})

describe('packing: libraries in CommonJS', () => {
  it('import() of one gives the names that Node gives', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-bundle-'))
    try {
      mkdirSync(join(folder, 'node_modules/plain'), { recursive: true })
      writeFileSync(join(folder, 'node_modules/plain/package.json'), '{"name":"plain","main":"index.js"}')
      writeFileSync(join(folder, 'node_modules/plain/index.js'), 'Object.defineProperty(exports, "__esModule", { value: true })\nexports.named = class Named {}\nexports.default = 2\n')
      writeFileSync(join(folder, 'entry.mjs'), 'export const load = () => import("plain")\n')
      await build({ absWorkingDir: folder, entryPoints: ['entry.mjs'], outdir: 'out', outExtension: { '.js': '.mjs' }, bundle: true, splitting: true, format: 'esm', platform: 'node', logLevel: 'silent', plugins: [nameDynamicCommonJs()] })
      const { load } = await import(pathToFileURL(join(folder, 'out/entry.mjs')).href) as { load: () => Promise<{ named: { name: string }, default: { default: number } }> }
      const library = await load()
      assert.equal(library.named.name, 'Named')
      assert.equal(library.default.default, 2)
      assert.equal(readdirSync(join(folder, 'out')).length, 3)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** A metafile with one output of one input, reached in `how`. */
function metafileOf(input: string, reachedFrom: 'main' | 'sandbox'): Metafile {
  const output = (entryPoint: string | undefined, inputs: readonly string[], imports: readonly string[]) => ({
    bytes: 1, exports: [], ...(entryPoint === undefined ? {} : { entryPoint }),
    inputs: Object.fromEntries(inputs.map((one) => [one, { bytesInOutput: 1 }])),
    imports: imports.map((path) => ({ path, kind: 'dynamic-import' as const })),
  })
  return {
    inputs: { [input]: { bytes: 1, imports: [] } },
    outputs: {
      'dist/main.js': output('services/cli/src/main.ts', [], ['dist/sandbox.js', ...(reachedFrom === 'main' ? ['dist/x.js'] : [])]),
      'dist/sandbox.js': output('shared/sandbox/src/index.ts', ['shared/sandbox/src/index.ts'], ['dist/x.js']),
      'dist/x.js': output(undefined, [input], []),
    },
  }
}

describe('packing: what the bundle may hold', () => {
  const REFUSED: readonly (readonly [string, 'main' | 'sandbox', string])[] = [
    ['node_modules/@google-cloud/pubsub/build/index.js', 'sandbox', 'the bundle contains @google-cloud/pubsub'],
    ['node_modules/a/node_modules/@google-cloud/firestore/index.js', 'main', 'the bundle contains @google-cloud/firestore'],
    ['shared/testkit/src/clock.ts', 'main', 'the bundle contains shared/testkit/src/clock.ts'],
    ['services/policy/src/testing/world.ts', 'main', 'the bundle contains services/policy/src/testing/world.ts'],
    ['node_modules/@google-cloud/storage/index.js', 'main', '@google-cloud/storage is in x.js, which loads without the sandbox'],
    ['node_modules/oidc-provider/lib/index.js', 'main', 'oidc-provider is in x.js, which loads without the sandbox'],
    ['shared/sandbox/src/upstream/world.ts', 'main', 'shared/sandbox/src/upstream/world.ts is in x.js, which loads without the sandbox'],
  ]
  for (const [input, from, fault] of REFUSED) it(`invariant 14: ${input} through ${from} is refused`, () => assert.deepEqual(checkBundle(metafileOf(input, from)), [fault]))

  it('the sandbox\'s own libraries are fine behind the sandbox', () => {
    assert.deepEqual(checkBundle(metafileOf('node_modules/@google-cloud/storage/index.js', 'sandbox')), [])
  })

  it('a file belongs to the innermost package', () => {
    assert.equal(packageOf('node_modules/a/node_modules/@b/c/lib/d.js'), '@b/c')
    assert.equal(packageOf('shared/domain/src/index.ts'), undefined)
  })

  it('the command bundles whole: workers, tables, starter policies, the sandbox\'s files, licences; and nothing that it must not hold', async function () {
    this.timeout(60_000)
    const { metafile, copies } = await bundle(ROOT, undefined)
    assert.deepEqual(checkBundle(metafile), [])
    const entries = Object.values(metafile.outputs).map(({ entryPoint }) => entryPoint)
    for (const entry of ['services/cli/src/main.ts', 'shared/adapters/sqlite/src/worker/main.ts', 'services/policy/src/yaml-worker.ts']) assert.ok(entries.includes(entry), entry)
    assert.equal(copies.get('services/policy/starter/'), './starter/')
    assert.equal(copies.get('shared/catalog/generated/storage.v1.json'), './catalog/storage.v1.json')
    assert.match(thirdPartyLicences(ROOT, metafile), /\nundici [\d.]+ \(MIT\)\n/)
  })
})
