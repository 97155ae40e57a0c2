/** `lockkeeper grants list|show|revoke`: patterns of calls that run without anyone being asked again. */
import type { Command } from 'commander'
import type { GrantPage, GrantUseDocument, GrantView } from '@lockkeeper/approval'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { operator } from './approvals.ts'
import { ago, print, printJson, printTable } from './output.ts'

interface ListOptions extends AdminOptions { readonly all?: boolean, readonly limit?: string }

export function addGrantCommands(program: Command): void {
  const grants = program.command('grants').description('Patterns of calls that an approver let through: what is left of them, and their end.')
  withJson(withAdmin(grants.command('list')))
    .description('Those that calls can still use.')
    .option('--all', 'also those that are used up, over or revoked, newest first')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  $ lockkeeper grants list --all')
    .action(list)
  withJson(withAdmin(grants.command('show <id>')))
    .description('What it lets through, who gave it, and each use.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper grants show grt_4kZ0mQ')
    .action(show)
  withAdmin(grants.command('revoke <id>'))
    .description('Ends it at once: nothing is begun under it any more, on any instance. Calls that run already run on.')
    .requiredOption('--reason <text>', 'kept in the log')
    .addHelpText('after', '\nExample:\n  $ lockkeeper grants revoke grt_4kZ0mQ --reason "task is done"')
    .action(async (id: string, options: AdminOptions & { readonly reason: string }) => {
      const ended = await clientOf(options).post<GrantView>(`/v1/grants/${encodeURIComponent(id)}/revoke`, { by: operator(), reason: options.reason })
      print(`${ended.id}: ${ended.state}, ${ended.used} of ${ended.pattern.uses} used`)
    })
}

async function list(options: ListOptions): Promise<void> {
  const query = new URLSearchParams({ limit: options.limit ?? '50', ...options.all === true ? { all: 'true' } : {} })
  const page = await clientOf(options).get<GrantPage>(`/v1/grants?${query}`)
  if (options.json === true) return printJson(page)
  printTable(page.grants, [
    { title: 'ID', value: ({ id }) => id }, { title: 'STATE', value: ({ state }) => state }, { title: 'USED', value: ({ used, pattern }) => `${used} of ${pattern.uses}` },
    { title: 'UNTIL', value: ({ until }) => new Date(until).toISOString() }, { title: 'BY', value: ({ by }) => by.join(' ') }, { title: 'AGENT', value: ({ agent }) => agent },
    { title: 'METHOD', value: ({ method }) => method }, { title: 'ON', value: ({ pattern }) => pattern.resources.join(' ') },
  ], 'No such grants.')
}

async function show(id: string, options: AdminOptions): Promise<void> {
  const shown = await clientOf(options).get<{ readonly grant: GrantView, readonly uses: readonly GrantUseDocument[] }>(`/v1/grants/${encodeURIComponent(id)}`)
  if (options.json === true) return printJson(shown)
  const { grant, uses } = shown
  printTable([
    ['grant', `${grant.id}  ${grant.state}, ${grant.used} of ${grant.pattern.uses} used, until ${new Date(grant.until).toISOString()}`], ['given', `by ${grant.by.join(', ')} with ${grant.approval}: ${grant.summary}`],
    ['method', grant.method], ['on', grant.pattern.resources.join(' ')], ['agent', `${grant.agent}${grant.pattern.run ? `, run ${grant.run} only` : ''}`], ['rule', grant.rule],
    ...Object.entries(grant.pattern.arguments).map(([name, bound]) => [name, JSON.stringify(bound)]), ['the rest', 'as in the call that it was given with'],
    ...grant.revoked === undefined ? [] : [['revoked', `by ${grant.revoked.by}: ${grant.revoked.reason}`]],
  ], [{ title: '', value: ([label = '']) => label }, { title: '', value: ([, text = '']) => text }], '')
  const now = Date.now()
  printTable(uses, [
    { title: 'USE', value: ({ use }) => String(use) }, { title: 'AT', value: ({ at }) => ago(at, now) }, { title: 'APPROVAL', value: ({ approval }) => approval }, { title: 'CALL', value: ({ summary }) => summary },
  ], 'Not used yet.')
}
