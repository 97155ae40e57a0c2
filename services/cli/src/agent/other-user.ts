/** The user that a command runs as at level `user`, and whether that user is kept from what it must not read. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { SYSTEM_PATH, systemProgram } from './system-program.ts'

export interface User { readonly uid: number, readonly gid: number, readonly name: string }

/** Ids that systemd gives to services for as long as they run; no files of people belong to them. */
const DYNAMIC = { first: 61_184, last: 65_519 }
const ATTEMPTS = 100
const LOOK_UP_MS = 10_000
const NAME = /^[a-z_][a-z0-9_-]{0,31}\$?$/i

/** A user by name or number. WrongUse for one that does not exist, and for root, who can read everything. */
export function namedUser(name: string): User {
  if (!NAME.test(name) && !/^\d{1,9}$/.test(name)) throw new WrongUse('--as must be the name or number of a user')
  const uid = idOf('-u', name)
  const gid = idOf('-g', name)
  if (uid === undefined || gid === undefined) throw new WrongUse(`--as: there is no user ${name}`)
  if (uid === 0) throw new WrongUse('--as: root can read every file, so that would keep nothing from the agent')
  return { uid, gid, name: idOf('-un', name) === undefined ? name : String(idOf('-un', name, true)) }
}

/** A number that no user has. */
export function dynamicUser(): User {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const uid = randomInt(DYNAMIC.first, DYNAMIC.last + 1)
    if (idOf('-u', String(uid)) === undefined) return { uid, gid: uid, name: 'agent' }
  }
  throw new CommandFailed('no free user number was found; name a user with --as')
}

function idOf(option: '-u' | '-g', name: string): number | undefined
function idOf(option: '-un', name: string, text?: boolean): string | undefined
function idOf(option: string, name: string): number | string | undefined {
  try {
    const answer = execFileSync(systemProgram('id') ?? 'id', [option, '--', name], { env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8', timeout: LOOK_UP_MS }).trim()
    return option === '-un' ? answer : Number(answer)
  } catch {
    // `id` ends with 1 for a user that does not exist.
    return undefined
  }
}

/** Those of the paths that the user can read or write, found out by trying as that user. */
export function reachable({ uid, gid }: User, paths: readonly string[]): readonly string[] {
  const script = 'for path; do if [ -r "$path" ] || [ -w "$path" ]; then printf "%s\\0" "$path"; fi; done'
  const { status, stdout, error } = spawnSync('/bin/sh', ['-c', script, 'sh', ...paths], { uid, gid, cwd: '/', env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8', timeout: LOOK_UP_MS })
  if (status !== 0) throw new CommandFailed(`what user ${uid} can read could not be found out${error === undefined ? '' : `: ${error.message}`}`)
  return stdout.split('\0').filter((path) => path !== '')
}

/** Whether the user can enter the directory. */
export function canEnter({ uid, gid }: User, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1" && [ -r . ]', 'sh', directory], { uid, gid, cwd: '/', env: { PATH: SYSTEM_PATH }, stdio: 'ignore', timeout: LOOK_UP_MS }).status === 0
}
