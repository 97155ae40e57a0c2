/** `lockkeeper events dead|redrive`: what the event bus gave up on. */
import type { Command } from 'commander'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { ago, print, printJson, printTable } from './output.ts'

interface DeadLetter { readonly id: string, readonly topic: string, readonly subscription: string, readonly error: string, readonly at: number, readonly event: { readonly type: string } }

export function addEventCommands(program: Command): void {
  const events = program.command('events').description('Events that no consumer could handle.')
  withJson(withAdmin(events.command('dead')))
    .description('Lists the dead letters, newest first.')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  $ lockkeeper events dead')
    .action(async (options: AdminOptions & { readonly limit: string }) => {
      const { dead } = await clientOf(options).get<{ readonly dead: readonly DeadLetter[] }>(`/v1/events/dead?limit=${encodeURIComponent(options.limit)}`)
      if (options.json === true) return printJson(dead)
      const now = Date.now()
      printTable(dead, [
        { title: 'ID', value: ({ id }) => id }, { title: 'AT', value: ({ at }) => ago(at, now) }, { title: 'EVENT', value: ({ event }) => event.type },
        { title: 'CONSUMER', value: ({ subscription }) => subscription }, { title: 'WHY', value: ({ error }) => error.slice(0, 100) },
      ], 'No dead letters.')
    })
  withAdmin(events.command('redrive <id>'))
    .description('Gives a dead letter to its consumer once more.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper events redrive 42')
    .action(async (id: string, options: AdminOptions) => {
      await clientOf(options).post(`/v1/events/dead/${encodeURIComponent(id)}/redrive`, {})
      print(`redriven: ${id}`)
    })
}
