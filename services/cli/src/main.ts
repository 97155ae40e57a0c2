/** The `lockkeeper` command. Each command is a file of its own, read when it is called. */
import { Command, CommanderError } from 'commander'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { CommandFailed, WrongUse } from './command-failed.ts'
import { addAgentCommands } from './commands/agent.ts'
import { addApprovalCommands } from './commands/approvals.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEventCommands } from './commands/events.ts'
import { addGrantCommands } from './commands/grants.ts'
import { addLockCommands } from './commands/lock.ts'
import { addPolicyCommands } from './commands/policy.ts'
import { addRunCommand } from './commands/run.ts'
import { addSandboxClientCommand } from './commands/sandbox-client.ts'
import { addUpCommand } from './commands/up.ts'
import { VERSION } from './version.ts'

/** 0 done, 1 refused or failed, 2 wrong use. */
export async function main(args: readonly string[]): Promise<void> {
  const program = buildProgram()
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

export function buildProgram(): Command {
  const program = new Command('lockkeeper')
    .description('The gateway between AI coding agents and Google Cloud.')
    .version(VERSION)
    .showHelpAfterError('(--help shows how it is used)')
    .enablePositionalOptions()
    .exitOverride()
  for (const add of [addUpCommand, addRunCommand, addAgentCommands, addApprovalCommands, addGrantCommands, addPolicyCommands, addAuditCommands, addLockCommands, addEventCommands, addDoctorCommand, addSandboxClientCommand]) add(program)
  overrideExits(program)
  return program
}

/** commander sets its exit behaviour per command. */
function overrideExits(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) overrideExits(child as Command)
}

function report(error: unknown): number {
  // Help that was asked for ends with 0, help in place of a missing command does not.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof WrongUse) {
    process.stderr.write(`lockkeeper: ${error.message}\n`)
    return 2
  }
  if (error instanceof CommandFailed || error instanceof LockkeeperError) {
    process.stderr.write(`lockkeeper: ${error.message}\n`)
    return 1
  }
  process.stderr.write(`lockkeeper: a fault of its own: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 1
}
