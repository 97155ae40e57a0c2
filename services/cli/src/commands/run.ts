/** `lockkeeper run -- COMMAND`: a child that reaches Google only through the gateway. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Command } from 'commander'
import { agentVariables, childEnvironment } from '../agent/agent-environment.ts'
import { WrongUse } from '../command-failed.ts'
import { withAdmin } from './admin-option.ts'
import { withAccess, writeAccess, type AccessOptions } from './agent.ts'

export function addRunCommand(program: Command): void {
  withAccess(withAdmin(program.command('run [command...]')))
    .description('Starts a command with the gateway as its only way to Google.')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  $ lockkeeper run --token-file token.jwt -- gcloud storage ls')
    .action(run)
}

async function run(command: readonly string[], options: AccessOptions): Promise<void> {
  const [program, ...args] = command
  if (program === undefined) throw new WrongUse('say what to run after --')
  const access = await writeAccess(options)
  const child = spawn(program, args, { stdio: 'inherit', env: childEnvironment(process.env, agentVariables(access)) })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal])))
  })
}
