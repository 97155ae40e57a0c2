/** One run of an agent's command: level, token, files, start, end. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type IsolationLevel } from '@lockkeeper/domain'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { clientOf } from '../commands/admin-option.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import type { RunOptions } from '../commands/run.ts'
import { ISOLATION_MEANING, isWeaker, levelProblem, strongestLevel } from '../gateway/isolation.ts'
import { adminSocketPath, type AdminClient } from '../admin/admin-client.ts'
import { agentFiles, agentVariables, childEnvironment, type AgentAccess } from './agent-environment.ts'
import { keepTokenFile, tokenFromCommand, tokenFromFile, type TokenSource } from './agent-token.ts'
import { surroundings } from './container-plan.ts'
import { containerScript } from './container-script.ts'
import { guardCovers } from './guard-covers.ts'
import { credentialPlaces } from './credential-places.ts'
import { openGatewayRelay } from './gateway-relay.ts'
import { initSource } from './namespace-init.ts'
import { canEnter, dynamicUser, namedUser, reachable, type User } from './other-user.ts'
import { startContained, startPlain, type Started } from './start-command.ts'

const SANDBOX_TOKEN_SECONDS = 3600
/** In the sandbox's people.yaml. */
const SANDBOX_SPONSOR = 'sam.sponsor@sandbox.example.com'
/** Where the gateway's own port needs a privilege or cannot be had, the container's loopback uses this one. */
const INNER_PORT = 8443
const LEAST_PLAIN_PORT = 1024

/** Resolves with the exit code of the command. */
export async function runCommand(program: string, args: readonly string[], options: RunOptions): Promise<number> {
  const client = clientOf(options)
  const status = await client.get<GatewayStatus>('/v1/status')
  if (status.authority === undefined) throw new CommandFailed('the gateway has no forward door; open it with doors.forward in its configuration')
  const level = chooseLevel(options, status)
  const user = chooseUser(options, level)
  const source = tokenSource(options, status, client)
  const say = (text: string): void => { process.stderr.write(`lockkeeper: ${text}\n`) }
  if (options.quiet !== true) say(`isolation ${level}: ${ISOLATION_MEANING[level]}`)
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-run-'))
  try {
    const run: Run = { program, args, options, status, level, user, directory, access: await writeFiles(directory, status, user, level, options.project) }
    const token = await keepTokenFile({ source, file: run.access.tokenFile, clock: systemClock, owner: user, onProblem: (text) => say(`${text}; the agent keeps the token it has`) })
    try {
      return await (level === 'container' ? inContainer(run) : inTheOpen(run))
    } finally {
      token.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface Run {
  readonly program: string
  readonly args: readonly string[]
  readonly options: RunOptions
  readonly status: GatewayStatus
  readonly level: IsolationLevel
  readonly user: User | undefined
  readonly directory: string
  readonly access: AgentAccess
}

/** Never weaker than the level that the gateway writes into its records. */
function chooseLevel({ isolation, as }: RunOptions, { isolation: stated }: GatewayStatus): IsolationLevel {
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

async function inTheOpen({ program, args, access, user, level, directory, status }: Run): Promise<number> {
  const environment = { ...childEnvironment(process.env, agentVariables(access)), ...(user === undefined ? {} : ofUser(user, join(directory, 'home'))) }
  if (level === 'user' && user !== undefined) checkUser(user, status)
  return startPlain({ program, arguments: args, environment, ...(user === undefined ? {} : { user }) }).ended
}

function ofUser({ name }: User, home: string): Readonly<Record<string, string>> {
  return { HOME: home, USER: name, LOGNAME: name, TMPDIR: '/tmp' }
}

/** CommandFailed when the user could read what the level promises to keep from it. */
function checkUser(user: User, { files }: GatewayStatus): void {
  const found = reachable(user, [...files.secret, ...files.secret.flatMap((path) => [join(path, 'admin.sock'), join(path, 'store.sqlite'), join(path, 'ca-key.pem'), join(path, 'keys', 'signing.pem')]), ...credentialPlaces(homedir())])
  if (found.length > 0) throw new CommandFailed(`user ${user.name} (${user.uid}) can reach ${found.slice(0, 5).join(', ')}, so level user would keep nothing from the agent: take the right away (chmod go-rwx), or use level container`)
  const directory = process.cwd()
  if (!canEnter(user, directory)) throw new CommandFailed(`user ${user.name} (${user.uid}) cannot read the working directory ${directory}: start the command where that user can work`)
}

async function inContainer({ program, args, options, access, user, directory, status }: Run): Promise<number> {
  const uid = user?.uid ?? process.getuid?.() ?? 0
  const gid = user?.gid ?? process.getgid?.() ?? 0
  const home = homedir()
  const workingDirectory = process.cwd()
  const { visible, covered } = surroundings({ uid, home, workingDirectory, read: options.read, write: options.write, gateway: { ...status.files, secret: [...status.files.secret, adminSocketPath(options.admin, process.env)] }, runDirectory: directory })
  const inner = '/run/lockkeeper'
  const relay = await openGatewayRelay(join(directory, 'gate', 'gateway.sock'), status.origin)
  try {
    const script = containerScript({
      root: join(directory, 'root'), uid, gid, home, workingDirectory,
      visible: [
        ...visible, { path: access.directory, writable: false }, { path: join(access.directory, 'gcloud'), writable: true },
        { path: `${inner}/gate`, source: join(directory, 'gate'), writable: false }, { path: `${inner}/node`, source: process.execPath, writable: false, file: true },
      ],
      covered, command: [`${inner}/node`, '-e', initSource()],
    })
    const environment = { ...childEnvironment(process.env, agentVariables(access)), ...(user === undefined ? { TMPDIR: '/tmp' } : ofUser(user, home)) }
    const order = { port: Number(new URL(access.origin).port), socket: `${inner}/gate/gateway.sock`, program, arguments: args, directory: workingDirectory, environment }
    const started: Started = startContained({ script, order, ...(user === undefined ? {} : { user }) })
    const guard = guardCovers(covered, (path) => {
      started.kill()
      process.stderr.write(`lockkeeper: ${path} was replaced while the command ran, which took its cover away; the command is ended. Look at the file before you start the gateway with it.\n`)
    })
    try {
      return await started.ended
    } finally {
      guard.close()
    }
  } finally {
    await relay.close()
  }
}
