/** One run of an agent's command: level, token, files, start, end. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type IsolationLevel } from '@lockkeeper/domain'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { socketClientOf } from '../commands/admin-option.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import { ISOLATION_MEANING, isWeaker, levelProblem, strongestLevel } from '../gateway/isolation.ts'
import type { AdminClient } from '../admin/admin-client.ts'
import { agentFiles, agentVariables, childEnvironment, type AgentAccess } from './agent-environment.ts'
import { keepTokenFile, tokenFromCommand, tokenFromFile, type TokenSource } from './agent-token.ts'
import { credentialPlaces } from './credential-places.ts'
import { closeInheritedDescriptors } from './inherited-descriptors.ts'
import { canEnter, dynamicUser, namedUser, reachable, type User } from './other-user.ts'
import { runInContainer, type Run } from './run-in-container.ts'
import type { RunOptions } from './run-options.ts'
import { startPlain } from './start-command.ts'

const SANDBOX_TOKEN_SECONDS = 3600
const SANDBOX_PROJECT = 'sandbox-project'
/** In the sandbox's people.yaml. */
const SANDBOX_SPONSOR = 'sam.sponsor@sandbox.example.com'
/** Where the gateway's own port needs a privilege or cannot be had, the container's loopback uses this one. */
const INNER_PORT = 8443
const LEAST_PLAIN_PORT = 1024

/** Resolves with the exit code of the command. */
export async function runCommand(program: string, args: readonly string[], options: RunOptions): Promise<number> {
  const client = socketClientOf(options)
  const status = await client.get<GatewayStatus>('/v1/status')
  if (status.authority === undefined) throw new CommandFailed('the gateway has no forward door; open it with doors.forward in its configuration')
  const level = chooseLevel(options, status)
  const user = chooseUser(options, level)
  if (level !== 'none') closeInheritedDescriptors([program, ...args])
  const source = tokenSource(options, status, client)
  const say = (text: string): void => { process.stderr.write(`lockkeeper: ${text}\n`) }
  if (options.quiet !== true) say(`isolation ${level}: ${ISOLATION_MEANING[level]}`)
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-run-'))
  try {
    const run: Run = { program, args, options, status, user, directory, access: await writeFiles(directory, status, user, level, options.project ?? (status.mode === 'sandbox' ? SANDBOX_PROJECT : undefined)) }
    const token = await keepTokenFile({ source, file: run.access.tokenFile, clock: systemClock, owner: user, onProblem: (text) => say(`${text}; the agent keeps the token it has`) })
    try {
      return await (level === 'container' ? runInContainer(run) : runInTheOpen(run))
    } finally {
      token.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Never weaker than the level that the gateway writes into its records. */
export function chooseLevel({ isolation, as }: Pick<RunOptions, 'isolation' | 'as'>, { isolation: stated }: Pick<GatewayStatus, 'isolation'>): IsolationLevel {
  const strongest = strongestLevel()
  const level = isolation === 'auto' ? strongest : isolation
  if (isWeaker(level, stated)) throw new CommandFailed(`the gateway states isolation ${stated} in its records, and this would run at level ${level}${isolation === 'auto' ? ` (${levelProblem(stated) ?? ''})` : ''}. Start the gateway with isolation: ${level}, or run the command at ${stated}.`)
  const problem = levelProblem(level)
  if (problem !== undefined) throw new CommandFailed(`isolation ${level} does not work here: ${problem}`)
  if (as !== undefined && level === 'none') throw new WrongUse('--as needs --isolation user or container')
  return level
}

function chooseUser({ as, read, write }: RunOptions, level: IsolationLevel): User | undefined {
  if (level !== 'container' && read.length + write.length > 0) throw new WrongUse('--read and --write belong to level container')
  if (as !== undefined && process.getuid?.() !== 0) throw new WrongUse('only root can use --as')
  if (as !== undefined) return namedUser(as)
  return level === 'user' ? dynamicUser() : undefined
}

function tokenSource({ tokenFile, tokenCommand, agent, run, sponsor }: RunOptions, { mode }: GatewayStatus, client: AdminClient): TokenSource {
  if (tokenFile !== undefined && tokenCommand !== undefined) throw new WrongUse('--token-file or --token-command, not both')
  if (tokenCommand !== undefined) return tokenFromCommand(tokenCommand)
  const file = tokenFile ?? process.env['LOCKKEEPER_TOKEN_FILE']
  if (file !== undefined) return tokenFromFile(file)
  if (mode !== 'sandbox') throw new WrongUse('name the agent\'s token with --token-file, --token-command or LOCKKEEPER_TOKEN_FILE')
  const wanted = { agent, run: run ?? `run-${randomBytes(6).toString('hex')}`, ttlSeconds: SANDBOX_TOKEN_SECONDS, sponsor: sponsor ?? SANDBOX_SPONSOR }
  return { read: async () => (await client.post<{ readonly token: string }>('/v1/sandbox/tokens', wanted)).token }
}

/** Everything below `directory`; what the agent may change belongs to its user. */
async function writeFiles(directory: string, { origin, authority = '' }: GatewayStatus, user: User | undefined, level: IsolationLevel, project: string | undefined): Promise<AgentAccess> {
  const files = join(directory, 'agent')
  const access: AgentAccess = { origin: level === 'container' ? innerOrigin(origin) : origin, authority, tokenFile: join(files, 'token.jwt'), directory: files, ...(project === undefined ? {} : { project }) }
  // Another user passes through and lists nothing.
  await chmod(directory, user === undefined ? 0o700 : 0o711)
  await mkdir(files, { mode: 0o755 })
  await mkdir(join(directory, 'root'), { mode: 0o755 })
  await mkdir(join(directory, 'gate'), { mode: 0o755 })
  for (const own of [join(files, 'gcloud'), join(directory, 'home')]) {
    await mkdir(own, { mode: 0o700 })
    if (user !== undefined) await chown(own, user.uid, user.gid)
  }
  for (const { path, content } of agentFiles(access)) await writeFile(path, content, { mode: 0o644 })
  if (user !== undefined) await chown(join(directory, 'root'), user.uid, user.gid)
  return access
}

/** The gateway's own origin where that can be, so that URLs mean the same inside and outside. */
function innerOrigin(origin: string): string {
  const { protocol, port } = new URL(origin)
  const outer = Number(port)
  return `http://127.0.0.1:${protocol === 'http:' && outer >= LEAST_PLAIN_PORT ? outer : INNER_PORT}`
}

/** Levels none and user. */
async function runInTheOpen({ program, args, access, user, directory, status }: Run): Promise<number> {
  if (user !== undefined) checkUser(user, status)
  const own: Readonly<Record<string, string>> = user === undefined ? {} : { HOME: join(directory, 'home'), USER: user.name, LOGNAME: user.name, TMPDIR: '/tmp' }
  const environment = { ...childEnvironment(process.env, agentVariables(access)), ...own }
  return startPlain({ program, arguments: args, environment, ...(user === undefined ? {} : { user }) }).ended
}

/** CommandFailed when the user could read what the level promises to keep from it. */
function checkUser(user: User, { files }: GatewayStatus): void {
  const found = reachable(user, [...files.secret, ...files.secret.flatMap((path) => [join(path, 'admin.sock'), join(path, 'store.sqlite'), join(path, 'ca-key.pem'), join(path, 'keys', 'signing.pem')]), ...credentialPlaces(homedir())])
  if (found.length > 0) throw new CommandFailed(`user ${user.name} (${user.uid}) can reach ${found.slice(0, 5).join(', ')}, so level user would keep nothing from the agent: take the right away (chmod go-rwx), or use level container`)
  const directory = process.cwd()
  if (!canEnter(user, directory)) throw new CommandFailed(`user ${user.name} (${user.uid}) cannot read the working directory ${directory}: start the command where that user can work`)
}
