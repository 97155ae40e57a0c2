/** Hidden: the real Google clients that the tour drives, each in a process of its own. */
import type { Command } from 'commander'

export function addSandboxClientCommand(program: Command): void {
  program.command('sandbox-client <name> [args...]', { hidden: true })
    .allowUnknownOption()
    .action(async (name: string, args: readonly string[]) => {
      const { runClient } = await import('@lockkeeper/sandbox')
      process.exitCode = await runClient(name, args, process.env, { out: process.stdout, err: process.stderr })
    })
}
