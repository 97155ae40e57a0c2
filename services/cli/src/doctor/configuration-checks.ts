/** Checks of what stands in files: configuration, policies, rights of files, and the isolation level that follows. */
import { lstatSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gatewayFiles, ISOLATION_MEANING, isolationOf, isWeaker, levelProblem } from '../gateway/isolation.ts'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

const MAX_SHOWN = 20
const MAX_FILES = 2_000

export function checkConfiguration({ configuration }: Surroundings): readonly Finding[] {
  const { ok, skipped, problem } = findings('configuration')
  if (configuration === undefined) return [skipped('no configuration was named: --config FILE or LOCKKEEPER_CONFIG')]
  if ('problems' in configuration) return configuration.problems.slice(0, MAX_SHOWN).map(({ file, line, path, message }) => problem(`${file}${line === 0 ? '' : `:${line}`}: ${path === '' ? '' : `${path} `}${message}`, 'Correct it; no gateway starts with it.'))
  const { config, file, people } = configuration
  return [ok(`${file}: mode ${config.mode}, ${config.targets.length} target${config.targets.length === 1 ? '' : 's'}, ${config.issuers.length} issuer${config.issuers.length === 1 ? '' : 's'}, ${people.length} ${people.length === 1 ? 'person' : 'people'}`)]
}

export function checkIsolation(given: Surroundings): readonly Finding[] {
  const { ok, warning, problem, skipped } = findings('isolation')
  const { gateway, strongest } = given
  const loaded = sound(given)
  const here = `lockkeeper run can give level ${strongest} here`
  const forbidden = strongest === 'container' ? [] : [warning(`level container cannot be had here: ${levelProblem('container') ?? ''}`, 'Run the gateway and its agents where it can, or agents as another user or on another machine.')]
  if (loaded === undefined) return [skipped(`${here}; what the gateway states is in its configuration`), ...forbidden]
  const stated = 'status' in gateway ? gateway.status.isolation : isolationOf(loaded.config)
  if (isWeaker(strongest, stated)) return [problem(`the records state level ${stated}, and ${here}`, `Set isolation: ${strongest} in the configuration, or move to a machine that can give ${stated}.`), ...forbidden]
  if (stated !== 'none') return [ok(`the records state level ${stated}: ${ISOLATION_MEANING[stated]}; ${here}`)]
  const credentials = loaded.config.targets.some(({ credential }) => !('none' in credential))
  const more = strongest === 'none' ? 'Run agents on another machine or as another user.' : `Set isolation: auto; ${here}.`
  if (loaded.config.mode === 'real' && credentials && !loaded.config.acknowledgeNoIsolation) return [problem(`level none with real credentials: ${ISOLATION_MEANING.none}`, `${more} Or say acknowledgeNoIsolation: true.`), ...forbidden]
  return [(loaded.config.mode === 'sandbox' ? ok : warning)(`the records state level none: ${ISOLATION_MEANING.none}`, more), ...forbidden]
}

/** Rights of files on this machine; the superuser's other ways in are out of scope. */
export function checkFiles(given: Surroundings): readonly Finding[] {
  const { ok, skipped, problem } = findings('files')
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the configuration names them, and there is none that can be used')]
  if (process.platform === 'win32') return [skipped('rights of files are not read on Windows')]
  const { secret, settings } = gatewayFiles(loaded)
  const present = secret.filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
  const own = process.getuid?.()
  const wrong = [
    ...present.flatMap((path) => walk(path)).flatMap(({ path, mode, uid, socket }) => [
      // What lies in a directory that is closed to others is closed; keys and sockets must be so by themselves.
      ...((mode & 0o077) !== 0 && (present.includes(path) || socket || isKey(path)) ? [problem(`${path} is open to other users (mode ${(mode & 0o777).toString(8)})`, `chmod go-rwx ${path}; if somebody may have read a key, make a new one.`)] : []),
      ...(own !== undefined && uid !== own && own !== 0 ? [problem(`${path} belongs to user ${uid}`, 'Let the gateway\'s files belong to the user it runs as, and to nobody else.')] : []),
    ]),
    ...settings.flatMap((path) => [path, ...(lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path).map((name) => join(path, name)) : [])])
      .filter((path) => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o022) !== 0 && lstatSync(path).isSymbolicLink() === false)
      .map((path) => problem(`${path} can be changed by other users, and the gateway does as it says`, `chmod go-w ${path}`)),
  ]
  if (wrong.length > 0) return wrong.slice(0, MAX_SHOWN)
  return [present.length === 0 ? skipped('the gateway has made none yet') : ok(`store, keys and admin socket are closed to other users; settings can be changed by their owner alone (${present.length} places)`)]
}

interface Entry { readonly path: string, readonly mode: number, readonly uid: number, readonly socket: boolean }

function walk(path: string): readonly Entry[] {
  const found: Entry[] = []
  const waiting = [resolve(path)]
  for (let next = waiting.pop(); next !== undefined && found.length < MAX_FILES; next = waiting.pop()) {
    const entry = lstatSync(next, { throwIfNoEntry: false })
    if (entry === undefined || entry.isSymbolicLink()) continue
    found.push({ path: next, mode: entry.mode, uid: entry.uid, socket: entry.isSocket() })
    if (entry.isDirectory()) for (const name of readdirSync(next)) waiting.push(join(next, name))
  }
  return found
}

function isKey(path: string): boolean {
  return /(?:\.key|signing\.pem|ca-key\.pem)$/.test(path)
}

export async function checkPolicies(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem, warning } = findings('policies')
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the configuration names their folder, and there is none that can be used')]
  const [{ checkFolder, formatProblem }, { createCatalog }, { maskProblems }] = await Promise.all([import('@lockkeeper/policy'), import('@lockkeeper/catalog'), import('@lockkeeper/masking')])
  const catalog = createCatalog()
  await catalog.load()
  const { policies, mode } = loaded.config
  if (typeof policies !== 'string') return [skipped('they are pushed: `lockkeeper policy current` tells what is in force')]
  const folder = resolve(loaded.directory, policies)
  const { problems, warnings, documents } = await checkFolder(folder, { methods: [...catalog.methods()], maskProblems, mode })
  if (problems.length > 0) return problems.slice(0, MAX_SHOWN).map((one) => problem(formatProblem(one), 'Correct it; until then what was in force before stays in force.'))
  const rules = documents.reduce((sum, one) => sum + one.rules.length, 0)
  return [
    ok(`${folder}: ${documents.length} polic${documents.length === 1 ? 'y' : 'ies'}, ${rules} rules`),
    ...warnings.slice(0, MAX_SHOWN).map((one) => warning(formatProblem(one), 'Read it; the policy is in force all the same.')),
  ]
}
