/** A run at level container: what it shows, the way out, the first process, the guard over its covers. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { adminSocketPath } from '../admin/admin-place.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import type { RunOptions } from './run-options.ts'
import { agentVariables, childEnvironment, type AgentAccess } from './agent-environment.ts'
import { surroundings } from './container-plan.ts'
import { containerScript, type Covered, type Visible } from './container-script.ts'
import { openGatewayRelay } from './gateway-relay.ts'
import { guardCovers } from './guard-covers.ts'
import { INIT_PROGRAM } from './namespace-init.ts'
import type { User } from './other-user.ts'
import { startContained } from './start-command.ts'

/** One run of a command, ready to start. */
export interface Run {
  readonly program: string
  readonly args: readonly string[]
  readonly options: RunOptions
  readonly status: GatewayStatus
  readonly user: User | undefined
  /** Of this run alone. */
  readonly directory: string
  readonly access: AgentAccess
}

const INNER = '/run/lockkeeper'

/** Resolves with the exit code of the command. */
export async function runInContainer(run: Run): Promise<number> {
  const { options, directory, status } = run
  const gateway = { ...status.files, secret: [...status.files.secret, adminSocketPath(options.admin, process.env)] }
  const shown = surroundings({ uid: run.user?.uid ?? process.getuid?.() ?? 0, home: homedir(), workingDirectory: process.cwd(), read: options.read, write: options.write, gateway, runDirectory: directory })
  const relay = await openGatewayRelay(join(directory, 'gate', 'gateway.sock'), status.origin)
  try {
    return await start(run, shown)
  } finally {
    await relay.close()
  }
}

async function start({ program, args, access, user, directory }: Run, { visible, covered }: { readonly visible: readonly Visible[], readonly covered: readonly Covered[] }): Promise<number> {
  const home = homedir()
  const script = containerScript({
    root: join(directory, 'root'), uid: user?.uid ?? process.getuid?.() ?? 0, gid: user?.gid ?? process.getgid?.() ?? 0, home, workingDirectory: process.cwd(), covered,
    visible: [
      ...visible, { path: access.directory, writable: false }, { path: join(access.directory, 'gcloud'), writable: true },
      { path: `${INNER}/gate`, source: join(directory, 'gate'), writable: false }, { path: `${INNER}/node`, source: process.execPath, writable: false, file: true },
    ],
    command: [`${INNER}/node`, '-e', INIT_PROGRAM],
  })
  const environment = { ...childEnvironment(process.env, agentVariables(access)), TMPDIR: '/tmp', ...(user === undefined ? {} : { USER: user.name, LOGNAME: user.name }) }
  const order = { port: Number(new URL(access.origin).port), socket: `${INNER}/gate/gateway.sock`, program, arguments: args, directory: process.cwd(), environment }
  const started = startContained({ script, order, ...(user === undefined ? {} : { user }) })
  const guard = guardCovers(covered, (path) => {
    started.kill()
    process.stderr.write(`lockkeeper: ${path} was replaced while the command ran, which took its cover away; the command is ended. Look at the file before you start the gateway with it.\n`)
  })
  try {
    return await started.ended
  } finally {
    guard.close()
  }
}
