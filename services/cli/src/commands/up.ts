/** `lockkeeper up`: all services in one process. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { createLogger, formatProblems } from '@lockkeeper/service-kit'
import { openAdminServer } from '../admin/admin-server.ts'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { print } from './output.ts'

interface UpOptions { readonly config?: string, readonly sandbox?: boolean, readonly tour?: boolean, readonly once?: boolean, readonly port?: string }

export function addUpCommand(program: Command): void {
  program.command('up')
    .description('Starts the gateway: every service in this process, one SQLite file.')
    .option('--config <file>', 'lockkeeper.yaml (default: LOCKKEEPER_CONFIG)')
    .option('--sandbox', 'test identity provider, made-up credentials, a Google-shaped upstream on loopback')
    .option('--tour', 'with --sandbox: real clients show what the gateway does')
    .option('--once', 'with --tour: approve by itself, print the result, end')
    .option('--port <n>', 'with --sandbox: the agent port (default: any free one)')
    .addHelpText('after', '\nExamples:\n  $ lockkeeper up --sandbox --tour\n  $ lockkeeper up --config lockkeeper.yaml')
    .action(up)
}

async function up(options: UpOptions): Promise<void> {
  const file = options.config ?? process.env['LOCKKEEPER_CONFIG']
  if (options.sandbox === true) {
    if (options.config !== undefined) throw new WrongUse('--sandbox brings its own configuration: leave --config out')
    const { runSandbox } = await import('../gateway/run-sandbox.ts')
    process.exitCode = await runSandbox({ tour: options.tour === true || options.once === true, once: options.once === true, port: portOf(options.port) })
    return
  }
  if (options.tour === true || options.once === true) throw new WrongUse('--tour and --once need --sandbox')
  if (file === undefined) throw new WrongUse('say what to start: --config FILE or --sandbox')
  await runConfigured(file)
}

function portOf(text: string | undefined): number {
  const port = Number(text ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new WrongUse('--port must be a number from 0 to 65535')
  return port
}

async function runConfigured(file: string): Promise<void> {
  const { loadConfig } = await import('../gateway/load-config.ts')
  const loaded = loadConfig(file, process.env)
  if ('problems' in loaded) throw new CommandFailed(`the configuration has ${loaded.problems.length} problem${loaded.problems.length === 1 ? '' : 's'}; nothing was started:\n${formatProblems(loaded.problems)}`)
  const [{ openGateway }, { isolationOf, ISOLATION_MEANING }, { adminRoutes }, { untilStopped }, { openTerminal }, { isolationProblems }, { consoleInvitation }] = await Promise.all([
    import('../gateway/wire.ts'), import('../gateway/isolation.ts'), import('../admin/admin-routes.ts'), import('../gateway/until-stopped.ts'), import('../gateway/terminal.ts'), import('../gateway/mode-problems.ts'), import('../gateway/console-invitation.ts'),
  ])
  const log = createLogger('gateway', { level: loaded.config.log })
  const isolation = isolationOf(loaded.config)
  const [problem] = loaded.config.mode === 'real' ? isolationProblems(loaded.config, isolation) : []
  if (problem !== undefined) throw new CommandFailed(`nothing was started: isolation: auto found no way to keep agents apart on this machine, and ${problem.message}`)
  print(`lockkeeper: mode ${loaded.config.mode}, isolation ${isolation}: ${ISOLATION_MEANING[isolation]}`)
  const stop = untilStopped()
  const gateway = await openGateway({ loaded, isolation, log, onFailure: (error) => stop.fail(error) })
  await gateway.start()
  const admin = await openAdminServer(join(gateway.directory, 'admin.sock'), adminRoutes(gateway, loaded, isolation))
  const terminal = openTerminal(gateway, loaded, () => stop.stop())
  print(`agents: ${gateway.origin}   admin: ${admin.path}`)
  for (const line of await consoleInvitation(gateway, loaded, process.stdout.isTTY)) print(line)
  print('Point an agent at it with: lockkeeper run -- COMMAND   or: lockkeeper agent env')
  const failure = await stop.stopped
  terminal.close()
  await admin.close()
  await gateway.drain()
  if (failure !== undefined) throw new CommandFailed(`stopped: ${failure.message}`)
}
