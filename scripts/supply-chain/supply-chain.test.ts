import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { checkLock, checkPackages, type Allowed, type Lock } from './check-packages.ts'
import { isAllowed } from './licences.ts'
import { sbomOf } from './sbom.ts'

const ROOT = join(import.meta.dirname, '../..')
const HASH = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
const ALLOWED: Allowed = { installScripts: {}, shipped: ['MIT', 'ISC', 'Apache-2.0'], tools: ['MPL-2.0'] }
const SOUND = { version: '1.0.0', integrity: HASH, license: 'MIT' }
const AT = 'node_modules/left-pad'

const faultsOf = (packages: Lock['packages'], allowed: Allowed = ALLOWED): readonly string[] => checkLock({ lockfileVersion: 3, packages }, allowed, () => undefined)

const PLANTED: readonly (readonly [string, Lock['packages'], readonly string[]])[] = [
  ['a licence that may not be shipped', { [AT]: { ...SOUND, license: 'GPL-3.0-only' } }, [`${AT} is under GPL-3.0-only, which this suite cannot be shipped with`]],
  ['the same deep in the tree', { [`node_modules/a/${AT}`]: { ...SOUND, license: 'AGPL-3.0' } }, [`node_modules/a/${AT} is under AGPL-3.0, which this suite cannot be shipped with`]],
  ['a tool\'s licence in what is shipped', { [AT]: { ...SOUND, license: 'MPL-2.0' } }, [`${AT} is under MPL-2.0, which this suite cannot be shipped with`]],
  ['a licence that not even a tool may have', { [AT]: { ...SOUND, license: 'GPL-2.0', dev: true } }, [`${AT} is under GPL-2.0, which no tool here is`]],
  ['both of two licences', { [AT]: { ...SOUND, license: '(MIT AND GPL-3.0)' } }, [`${AT} is under (MIT AND GPL-3.0), which this suite cannot be shipped with`]],
  ['no licence', { [AT]: { version: '1.0.0', integrity: HASH } }, [`${AT} names no licence`]],
  ['a licence in a file of its own', { [AT]: { ...SOUND, license: 'SEE LICENSE IN LICENSE' } }, [`${AT} is under SEE LICENSE IN LICENSE, which this suite cannot be shipped with`]],
  ['an install script', { [AT]: { ...SOUND, hasInstallScript: true } }, ['left-pad runs a script while it is installed: do without it, or say in scripts/supply-chain/allowed.json why it may stay unrun']],
  ['a package without a hash', { [AT]: { version: '1.0.0', license: 'MIT' } }, [`${AT} has no sha512 hash: it is not from a registry, or nobody could tell if it changed`]],
  ['a weak hash', { [AT]: { ...SOUND, integrity: 'sha1-AAAA' } }, [`${AT} has no sha512 hash: it is not from a registry, or nobody could tell if it changed`]],
  ['a package from a git repository, its secret left out', { [AT]: { ...SOUND, resolved: 'git+ssh://user:secret@example.com/a.git' } }, [`${AT} comes from git+ssh://example.com/a.git, which is no registry`]],
]

const EXPRESSIONS: readonly (readonly [string, boolean])[] = [
  ['MIT', true], ['(MIT OR GPL-3.0)', true], ['GPL-3.0 OR MIT', true], ['MIT AND ISC', true], ['(MIT AND GPL-3.0) OR ISC', true], ['MIT AND (GPL-3.0 OR ISC)', true],
  ['GPL-3.0', false], ['MIT AND GPL-3.0', false], ['(MIT OR ISC) AND GPL-3.0', false], ['GPL-3.0 WITH Classpath-exception-2.0', false], ['MIT WITH x', false],
  ['', false], ['MIT ISC', false], ['(MIT', false], ['MIT OR', false], ['OR MIT', false], ['UNLICENSED', false], ['mit', false], ['LicenseRef-MIT', false],
]

describe('packages', () => {
  it('sound ones pass: of what is shipped, of tools, links', () => {
    assert.deepEqual(faultsOf({ '': {}, [AT]: SOUND, 'node_modules/tool': { ...SOUND, license: 'MPL-2.0', dev: true }, 'node_modules/own': { link: true }, 'shared/own': {} }), [])
  })

  for (const [title, packages, faults] of PLANTED) it(`finds ${title}`, () => assert.deepEqual(faultsOf(packages), faults))

  it('a script that is allowed passes, and a permission that nobody needs is found', () => {
    const allowed = { ...ALLOWED, installScripts: { 'left-pad': 'does nothing' } }
    assert.deepEqual(faultsOf({ [AT]: { ...SOUND, hasInstallScript: true } }, allowed), [])
    assert.deepEqual(faultsOf({ [AT]: SOUND }, allowed), ['scripts/supply-chain/allowed.json: installScripts has left-pad, which has none'])
  })

  for (const [expression, wanted] of EXPRESSIONS) it(`the licence "${expression}" is ${wanted ? '' : 'not '}allowed`, () => assert.equal(isAllowed(expression, ALLOWED.shipped), wanted))

  it('those of this repository are sound', () => assert.deepEqual(checkPackages(ROOT), []))
})

describe('the bill of materials', () => {
  const inputs = Object.fromEntries(['node_modules/undici/index.js', 'node_modules/undici/lib/core/util.js', 'node_modules/@grpc/grpc-js/build/src/index.js', 'services/proxy/src/main.ts', 'located:node_modules/zod/index.js']
    .map((file) => [file, { bytes: 1, imports: [] }]))

  it('names each library of the bundle once, with version, licence and hash, and nothing else', () => {
    const { components, bomFormat, specVersion, metadata } = sbomOf(ROOT, 'lockkeeper-proxy', { inputs })
    assert.deepEqual([bomFormat, specVersion, metadata.component.name], ['CycloneDX', '1.6', 'lockkeeper-proxy'])
    assert.deepEqual(components.map(({ purl }) => purl.replace(/@[\d.]+$/, '')), ['pkg:npm/%40grpc/grpc-js', 'pkg:npm/undici'])
    for (const { licenses: [{ expression }], hashes: [{ content }], version } of components) {
      assert.match(expression, /^(?:Apache-2\.0|MIT)$/)
      assert.match(content, /^[0-9a-f]{128}$/)
      assert.match(version, /^\d+\.\d+\.\d+$/)
    }
  })

  it('is the same for the same bundle, and has another number for another one', () => {
    const one = sbomOf(ROOT, 'lockkeeper-proxy', { inputs })
    assert.deepEqual(one, sbomOf(ROOT, 'lockkeeper-proxy', { inputs }))
    assert.notEqual(one.serialNumber, sbomOf(ROOT, 'lockkeeper-audit', { inputs }).serialNumber)
    assert.match(one.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('is not made of a library that the lockfile does not have, or that may not be shipped', () => {
    assert.throws(() => sbomOf(ROOT, 'x', { inputs: { 'node_modules/left-pad-2/index.js': { bytes: 1, imports: [] } } }), /left-pad-2 is bundled and not in package-lock\.json/)
    assert.throws(() => sbomOf(ROOT, 'x', { inputs: { 'node_modules/@cdktf/hcl2json/lib/index.js': { bytes: 1, imports: [] } } }), /hcl2json is bundled and under MPL-2\.0/)
  })
})

interface Workflow {
  readonly on: unknown
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, { readonly permissions?: Readonly<Record<string, string>>, readonly environment?: string, readonly 'timeout-minutes'?: number, readonly steps: readonly { readonly uses?: string, readonly run?: string, readonly with?: Readonly<Record<string, unknown>> }[] }>>
}

describe('the workflows', () => {
  const folder = join(ROOT, '.github/workflows')
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8')
    const workflow = parse(text) as Workflow
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)

    it(`${file}: actions are pinned by commit, with their version beside it`, () => {
      for (const line of text.split('\n').filter((one) => /\buses:/.test(one))) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    })

    it(`${file}: may read at most, but for the token of a job in a guarded environment`, () => {
      for (const [scope, right] of Object.entries(workflow.permissions ?? { everything: 'write' })) assert.ok(scope === 'contents' && right === 'read', scope)
      for (const { permissions = {}, environment } of Object.values(workflow.jobs)) {
        for (const [scope, right] of Object.entries(permissions)) assert.ok(scope === 'contents' && right === 'read' || scope === 'id-token' && environment !== undefined, scope)
      }
    })

    it(`${file}: holds no secret, runs for no stranger with rights, puts nothing from outside into a script, and ends`, () => {
      assert.doesNotMatch(text, /secrets\.|credentials_json|pull_request_target|workflow_run/)
      for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/)
      for (const job of Object.values(workflow.jobs)) assert.ok((job['timeout-minutes'] ?? Infinity) <= 60)
    })

    it(`${file}: a shell can read its scripts, and nobody is Google's but the account that may deploy`, () => {
      for (const { run = '' } of steps) assert.equal(spawnSync('bash', ['-n'], { input: run, encoding: 'utf8' }).stderr, '')
      for (const { uses = '', with: given } of steps) if (uses.startsWith('google-github-actions/auth@')) assert.equal(given?.['service_account'], '${{ vars.DEPLOYER }}')
    })

    it(`${file}: npm scripts and files that it runs are there`, () => {
      const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: Readonly<Record<string, string>> }
      for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g)) assert.ok(Object.hasOwn(scripts, name), name)
      for (const [, path = ''] of text.matchAll(/(?:bash |-chdir=)([\w./-]+)/g)) assert.doesNotThrow(() => readdirSync(join(ROOT, path.replace(/\/?[^/]*$/, ''))), path)
    })
  }
})
