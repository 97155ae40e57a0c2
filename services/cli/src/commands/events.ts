/** `lockkeeper events dead|redrive`: what the event bus gave up on. */
import { Option, type Command } from 'commander'
import type { AdminClient } from '../admin/admin-client.ts'
import { CommandFailed } from '../command-failed.ts'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { ago, print, printJson, printTable } from './output.ts'

interface DeadLetter { readonly id: string, readonly topic: string, readonly subscription: string, readonly error: string, readonly at: number, readonly event: { readonly type: string } }

/** Letters that `--all` takes in one run; the next run takes the next. */
const MOST = 1000

export function addEventCommands(program: Command): void {
  const events = program.command('events').description('Events that no consumer could handle.')
  withJson(withAdmin(events.command('dead')))
    .description('Lists the dead letters, newest first.')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  $ lockkeeper events dead')
    .action(async (options: AdminOptions & { readonly limit: string }) => {
      const dead = await deadLetters(clientOf(options), options.limit)
      if (options.json === true) return printJson(dead)
      const now = Date.now()
      printTable(dead, [
        { title: 'ID', value: ({ id }) => id }, { title: 'AT', value: ({ at }) => ago(at, now) }, { title: 'EVENT', value: ({ event }) => event.type },
        { title: 'CONSUMER', value: ({ subscription }) => subscription }, { title: 'WHY', value: ({ error }) => error.slice(0, 100) },
      ], 'No dead letters.')
    })
  withAdmin(events.command('redrive [id]'))
    .description('Gives a dead letter, or all of them, to its consumer once more.')
    .addOption(new Option('--all', `every dead letter, at most ${MOST} in one run`))
    .option('--consumer <name>', 'with --all: those of one consumer only')
    .addHelpText('after', '\nExamples:\n  $ lockkeeper events redrive dl_42\n  $ lockkeeper events redrive --all --consumer audit')
    .action(async (id: string | undefined, options: AdminOptions & { readonly all?: true, readonly consumer?: string }, command: Command) => {
      if ((id === undefined) === (options.all === undefined)) return command.error('error: name one dead letter, or say --all', { exitCode: 2 })
      if (options.consumer !== undefined && options.all === undefined) return command.error('error: --consumer goes with --all', { exitCode: 2 })
      const client = clientOf(options)
      if (id === undefined) return redriveAll(client, options.consumer)
      await redrive(client, id)
      print(`redriven: ${id}`)
    })
}

async function deadLetters(client: AdminClient, limit: string | number): Promise<readonly DeadLetter[]> {
  return (await client.get<{ readonly dead: readonly DeadLetter[] }>(`/v1/events/dead?limit=${encodeURIComponent(limit)}`)).dead
}

async function redrive(client: AdminClient, id: string): Promise<void> {
  await client.post(`/v1/events/dead/${encodeURIComponent(id)}/redrive`, {})
}

/** Oldest first, as they were published; one that fails keeps no other back. */
async function redriveAll(client: AdminClient, consumer: string | undefined): Promise<void> {
  const chosen = (await deadLetters(client, MOST)).filter(({ subscription }) => consumer === undefined || subscription === consumer).toReversed()
  const failed: string[] = []
  for (const { id } of chosen) {
    try {
      await redrive(client, id)
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      failed.push(`${id}: ${error.message}`)
    }
  }
  print(`redriven: ${chosen.length - failed.length}`)
  if (failed.length > 0) throw new CommandFailed(`not redriven:\n${failed.join('\n')}`)
}
