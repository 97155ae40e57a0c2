/** Targets stand in lockkeeper.yaml or are published with the policies, never both. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { targetProblems, targetsDocumentSchema, type TargetConfig } from '@lockkeeper/policy-engine'
import { readSettingsFile, type SettingsProblem, type SettingsSource } from '@lockkeeper/service-kit'
import type { GatewayConfig } from './config-schema.ts'

/** `targets`: undefined where lockkeeper.yaml has them; of a folder's targets.yaml as it is now; none where sets are pushed. */
export function publishedTargets({ policies, targets, doors, mode }: GatewayConfig, directory: string, source: SettingsSource): { readonly targets?: TargetConfig[], readonly problems: readonly SettingsProblem[] } {
  const at = (path: readonly PropertyKey[], message: string): SettingsProblem => ({ file: source.file, line: source.locate(path), path: path.map(String).join('.'), message })
  if (typeof policies !== 'string') {
    if (targets.length > 0) return { problems: [] }
    // The authority is bound to the hosts at the start, and nobody knows yet which they will be.
    return { targets: [], problems: doors.forward === undefined ? [] : [at(['doors', 'forward'], 'needs targets in this file: its authority is bound to their hosts')] }
  }
  const file = ['targets.yaml', 'targets.yml'].map((name) => join(resolve(directory, policies), name)).find((path) => existsSync(path))
  if (file === undefined) return { problems: targets.length > 0 || mode === undefined ? [] : [at(['targets'], 'name at least one, here or in targets.yaml beside the policies')] }
  if (targets.length > 0) return { problems: [at(['targets'], `targets stand in ${file} too: keep them in one place`)] }
  const { result, source: own } = readSettingsFile(file, targetsDocumentSchema)
  if ('problems' in result) return { targets: [], problems: result.problems }
  const wrong = targetProblems(result.value.targets, mode).map(({ path, message }): SettingsProblem => ({ file, line: own.locate(['targets', ...path]), path: ['targets', ...path].join('.'), message }))
  return { targets: wrong.length > 0 ? [] : result.value.targets, problems: wrong }
}
