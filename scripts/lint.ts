/**
 * `npm run lint`: every check that the repository runs on itself, one line for each with its time, and what it found below.
 * `npm run lint -- layers words` runs only those. Exit code 1 when any check found something.
 */
import { join } from 'node:path'
import process from 'node:process'
import { checkFileSizes } from './checks/file-sizes.ts'
import { readExceptions } from './checks/exceptions.ts'
import { checkLayers, readLayers } from './checks/layers.ts'
import { readRepositoryFiles } from './checks/repository-files.ts'
import { checkSecrets } from './checks/secrets.ts'
import { checkSyntax, checkTypes, checkUnused } from './checks/tools.ts'
import { checkWords } from './checks/words.ts'
import { bundle } from './packing/bundle.ts'
import { checkBundle } from './packing/bundle-contents.ts'
import { checkPages } from './docs/doc-checks.ts'
import { checkPackages } from './supply-chain/check-packages.ts'
import { checkTerraform } from './terraform/check-terraform.ts'

type Check = (root: string) => readonly string[] | Promise<readonly string[]>

/** The tools run side by side; what is done in this process takes less time than they need to start. */
const CHECKS: Readonly<Record<string, Check>> = {
  types: checkTypes,
  syntax: checkSyntax,
  unused: checkUnused,
  layers: (root) => checkLayers(root, readLayers(root)),
  bundle: async (root) => checkBundle((await bundle(root, undefined)).metafile),
  secrets: (root) => checkSecrets(readRepositoryFiles(root), readExceptions(root).samples),
  words: (root) => checkWords(readRepositoryFiles(root), readExceptions(root).words),
  terraform: (root) => checkTerraform(root, readRepositoryFiles(root)),
  packages: checkPackages,
  pages: (root) => checkPages(readRepositoryFiles(root)),
  sizes: (root) => checkFileSizes(readRepositoryFiles(root), readExceptions(root).long),
}

async function run(name: string, root: string): Promise<boolean> {
  const started = performance.now()
  const faults = await faultsOf(name, root)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(9)} ${seconds.padStart(5)} s${faults.map((fault) => `\n       ${fault}`).join('')}\n`)
  return faults.length === 0
}

/** A check that breaks down has found nothing out, which is a fault as well. */
async function faultsOf(name: string, root: string): Promise<readonly string[]> {
  try {
    return await (CHECKS[name] as Check)(root)
  } catch (error) {
    return [`the check broke down: ${error instanceof Error ? error.stack : String(error)}`]
  }
}

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !Object.hasOwn(CHECKS, name))
  if (unknown.length > 0) {
    process.stderr.write(`there is no check ${unknown.join(', ')}; there are ${Object.keys(CHECKS).join(', ')}\n`)
    return 2
  }
  const root = join(import.meta.dirname, '..')
  const names = wanted.length > 0 ? wanted : Object.keys(CHECKS)
  const results = await Promise.all(names.map((name) => run(name, root)))
  return results.every(Boolean) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
