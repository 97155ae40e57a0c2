/** Everything that can be said about terraform/ without a provider, a network or a project. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { RepositoryFile } from '../checks/repository-files.ts'
import { checkBlocks } from './check-blocks.ts'
import { checkFormat } from './check-format.ts'
import { checkModules } from './check-modules.ts'
import { checkReferences } from './check-references.ts'
import { checkRules } from './check-rules.ts'
import { checkTests, checkValues } from './check-tests.ts'
import { checkTopology } from './check-topology.ts'
import { readProviderSchema, type ProviderSchema } from './provider-schema.ts'
import { isTerraform, readConfiguration } from './read-configuration.ts'

const SCHEMA = join(import.meta.dirname, 'provider-schema.json')

/** The check as `npm run lint` runs it: on the repository's own files, its topology, and with `terraform fmt` where that is installed. */
export async function checkTerraform(root: string, files: readonly RepositoryFile[]): Promise<readonly string[]> {
  const own = files.filter((file) => file.file.startsWith('terraform/') && isTerraform(file))
  return [...await checkFiles(own, readProviderSchema(SCHEMA)), ...checkTopology(files), ...askTerraform(root)]
}

/** The files alone. Faults are sorted by file and line and said once. */
export async function checkFiles(files: readonly RepositoryFile[], schema: ProviderSchema): Promise<readonly string[]> {
  const configuration = await readConfiguration(files)
  // What names something in a file that cannot be read is not wrong for that.
  if (configuration.faults.length > 0) return configuration.faults
  const texts = new Map(files.map(({ file, text }) => [file, text.split('\n')]))
  const lines = (file: string): readonly string[] => texts.get(file) ?? []
  const faults = [
    ...files.filter(isTerraform).flatMap(checkFormat),
    ...[...configuration.modules.values()].flatMap((module) => [
      ...checkBlocks(module, schema), ...checkReferences(module, configuration, schema), ...checkModules(module, configuration, schema), ...checkRules(module, lines),
    ]),
    ...configuration.values.flatMap((values) => checkValues(values, configuration)),
    ...configuration.tests.flatMap((test) => checkTests(test, configuration, schema)),
  ]
  return [...new Set(faults)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** `terraform fmt` also knows the spaces inside expressions. Where there is none, the form that check-format.ts knows is all that is asked. */
function askTerraform(root: string): readonly string[] {
  const { error, status, stdout } = spawnSync('terraform', ['fmt', '-check', '-recursive', '-no-color', 'terraform'], { cwd: root, encoding: 'utf8', timeout: 60_000 })
  if (error !== undefined || status === 0) return []
  return stdout.split('\n').filter((file) => isTerraform({ file, text: '' })).map((file) => `${file}:1 is not as terraform fmt writes it`)
}
