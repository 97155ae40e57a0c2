/** What an agent's container shows and what it covers, from where the command runs and what the gateway's files are. */
import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandFailed } from '../command-failed.ts'
import type { GatewayFiles } from '../gateway/isolation.ts'
import { SYSTEM, type Covered, type Visible } from './container-script.ts'
import { credentialPlaces } from './credential-places.ts'
import { isUnder } from './mounts.ts'

export interface Surroundings {
  readonly uid: number
  readonly home: string
  readonly workingDirectory: string
  /** Further places that the user shows to the agent, files or directories. */
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly gateway: GatewayFiles
  /** Directory of this run; what of it the agent gets is shown by the caller. */
  readonly runDirectory: string
}

const MAX_ENTRIES = 50_000

const system: readonly Visible[] = SYSTEM.map((path) => ({ path, writable: false }))

/** CommandFailed where a place cannot be shown without showing or handing over what it must not. */
export function surroundings(given: Surroundings): { readonly visible: readonly Visible[], readonly covered: readonly Covered[] } {
  const visible = [
    place(given.workingDirectory, true, 'the working directory', given),
    ...given.write.map((path) => place(path, true, '--write', given)), ...given.read.map((path) => place(path, false, '--read', given)),
  ]
  // The deepest place counts, and one that may be written to before one that may not; the system's directories are shown as well.
  const places = [...visible].sort((one, other) => other.path.length - one.path.length || Number(other.writable) - Number(one.writable))
  const shown = (path: string): Visible | undefined => places.find((one) => isUnder(path, one.path)) ?? system.find((one) => isUnder(path, one.path))
  const covered = new Map<string, Covered>()
  const add = (one: Covered): void => {
    // A hidden place stays hidden when it is another place's parent too.
    if (!covered.has(one.path) || one.how !== 'pinned') covered.set(one.path, one)
  }
  for (const [path, secret] of [...given.gateway.secret.map((one) => [one, true] as const), ...given.gateway.settings.map((one) => [one, false] as const)]) {
    if (!existsSync(path)) continue
    const real = realpathSync(path)
    const around = shown(path) ?? shown(real)
    if (around === undefined) continue
    if (real !== path && visible.some((one) => one.writable && isUnder(path, one.path))) throw new CommandFailed(`${path}, which the gateway uses, is reached through a symbolic link that the agent could replace: name it in the gateway's configuration without the link`)
    // Where nothing can be written nothing can be renamed or replaced either; a pinned directory can be written to.
    if (!around.writable && !secret) continue
    if (around.writable) for (const parent of parents(real, around.path)) add({ path: parent, how: 'pinned' })
    add({ path: real, how: secret ? hidden(real) : 'fixed' })
  }
  for (const path of [...credentialPlaces(given.home), ...(given.uid === 0 ? superuserOnly('/etc') : [])]) {
    if (existsSync(path) && (shown(path) !== undefined || isUnder(path, '/etc')) && !lstatSync(path).isSymbolicLink()) add({ path, how: hidden(path) })
  }
  return { visible, covered: withoutNested([...covered.values()]) }
}

function place(path: string, writable: boolean, what: string, { home, gateway, runDirectory }: Surroundings): Visible {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandFailed(`${what}: ${path} does not exist`)
  const real = realpathSync(path)
  const refuse = (why: string): never => { throw new CommandFailed(`${what}: ${real} cannot be shown to an agent at level container: ${why}`) }
  if (isUnder(home, real) || isUnder('/usr', real) || isUnder(runDirectory, real)) refuse('it holds the home directory, the system or other programs\' temporary files; start the command in a project\'s own directory')
  if (isUnder(real, '/proc') || isUnder(real, '/sys') || isUnder(real, '/dev') || isUnder(real, '/run')) refuse('it belongs to the kernel or to other services')
  for (const secret of gateway.secret) if (isUnder(real, resolved(secret))) refuse('it lies inside the gateway\'s own files')
  for (const place of credentialPlaces(home)) if (isUnder(real, place)) refuse('Google credentials lie there')
  if (writable) for (const settings of gateway.settings) if (isUnder(real, resolved(settings))) refuse('the gateway takes its policies or settings from there')
  return { path: real, writable, file: !found.isDirectory() }
}

function resolved(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** Directories between `top` and `path`, neither included. */
function parents(path: string, top: string): readonly string[] {
  const found: string[] = []
  for (let one = dirname(path); one !== top && isUnder(one, top); one = dirname(one)) found.push(one)
  return found
}

function hidden(path: string): 'hidden-directory' | 'hidden-file' {
  return statSync(path).isDirectory() ? 'hidden-directory' : 'hidden-file'
}

/** What lies in a hidden directory is gone already and cannot be a mount point. */
function withoutNested(covered: readonly Covered[]): readonly Covered[] {
  const directories = covered.filter(({ how }) => how === 'hidden-directory').map(({ path }) => path)
  return covered.filter(({ path }) => !directories.some((directory) => directory !== path && isUnder(path, directory)))
}

/** Entries that only the superuser may read. An agent with the superuser's id owns them, capabilities or not. */
export function superuserOnly(directory: string): readonly string[] {
  const found: string[] = []
  const waiting = [directory]
  let seen = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      if (++seen > MAX_ENTRIES) throw new CommandFailed(`${directory} has over ${MAX_ENTRIES} entries; use --as USER, whom its private files are closed to`)
      const path = join(next, entry.name)
      if (entry.isSymbolicLink()) continue
      const { mode } = lstatSync(path)
      if ((mode & 0o004) === 0) found.push(path)
      else if (entry.isDirectory()) waiting.push(path)
    }
  }
  return found
}
