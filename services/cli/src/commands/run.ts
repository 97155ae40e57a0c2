/** `lockkeeper run -- COMMAND`: a child that reaches Google only through the gateway. */
import { Option, type Command } from 'commander'
import type { RunOptions } from '../agent/run-options.ts'
import { WrongUse } from '../command-failed.ts'
import { withSocket } from './admin-option.ts'

const gather = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value]

export function addRunCommand(program: Command): void {
  withSocket(program.command('run [command...]'))
    .description('Starts a command with the gateway as its only way to Google.')
    .addOption(new Option('--isolation <level>', 'what keeps the command from the gateway\'s and your own files; auto: the strongest that works here').choices(['auto', 'none', 'user', 'container']).default('auto'))
    .option('--as <user>', 'run as this user (root only; levels user and container)')
    .option('--read <path>', 'level container: show this place too, read-only (again for more)', gather, [])
    .option('--write <path>', 'level container: show this place too, writable (again for more)', gather, [])
    .option('--token-file <file>', 'file with the agent\'s OIDC token, kept fresh by whoever issues it (default: LOCKKEEPER_TOKEN_FILE)')
    .option('--token-command <command>', 'prints the agent\'s OIDC token; run before the start and at 80 % of each token\'s life')
    .option('--agent <id>', 'sandbox: id of the made-up agent', 'local-agent')
    .option('--run <id>', 'sandbox: id of this run (default: a random one)')
    .option('--sponsor <email>', 'sandbox: the human it works for')
    .option('--project <id>', 'Google Cloud project where a client names none')
    .option('--quiet', 'do not say which level is used')
    .passThroughOptions()
    .addHelpText('after', '\nExamples:\n  $ lockkeeper run --token-file token.jwt -- gcloud storage ls\n  $ lockkeeper run --isolation container --read ~/.nvm --token-command ./mint-token -- my-agent')
    .action(run)
}

async function run([program, ...args]: readonly string[], options: RunOptions): Promise<void> {
  if (program === undefined) throw new WrongUse('say what to run after --')
  const { runCommand } = await import('../agent/run-command.ts')
  process.exitCode = await runCommand(program, args, options)
}
