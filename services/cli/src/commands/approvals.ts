/** `lockkeeper approvals list|show|approve|deny|revoke`. */
import type { Command } from 'commander'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { ago, print, printJson, printTable } from './output.ts'

interface ListOptions extends AdminOptions { readonly state?: string, readonly agent?: string, readonly run?: string, readonly limit?: string }
interface DecideOptions extends AdminOptions { readonly reason?: string }

export function addApprovalCommands(program: Command): void {
  const approvals = program.command('approvals').description('Calls that wait for a person, and how they ended.')
  withJson(withAdmin(approvals.command('list')))
    .description('Newest first; without --state those that are pending.')
    .option('--state <state>', 'pending, approved, denied, expired, cancelled, claimed, answered, unknown, or all', 'pending')
    .option('--agent <id>', 'of this agent')
    .option('--run <id>', 'of this run')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals list --state all --limit 20')
    .action(list)
  withJson(withAdmin(approvals.command('show <id>')))
    .description('The card: what would be done, on what, for whom, under which rule.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals show apr_4kZ0mQ')
    .action(show)
  for (const verdict of ['approve', 'deny'] as const) {
    withAdmin(approvals.command(`${verdict} <id>`))
      .description(verdict === 'approve' ? 'Lets exactly this call run once.' : 'Ends the request; the agent gets the reason.')
      .option('--reason <text>', 'kept in the log, shown to the agent')
      .addHelpText('after', `\nWorks where the isolation level keeps agents away from this shell; elsewhere press a key in the terminal of \`lockkeeper up\`.\n\nExample:\n  $ lockkeeper approvals ${verdict} apr_4kZ0mQ --reason "ticket 42"`)
      .action((id: string, options: DecideOptions) => decide(id, verdict, options))
  }
  withAdmin(approvals.command('revoke <id>'))
    .description('Takes back a request, an unused approval or a stored answer.')
    .requiredOption('--reason <text>', 'kept in the log')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals revoke apr_4kZ0mQ --reason "approved by mistake"')
    .action(async (id: string, options: DecideOptions) => {
      const ended = await clientOf(options).post<ApprovalDocument>(`/v1/approvals/${encodeURIComponent(id)}/revoke`, { by: operator(), reason: options.reason })
      print(`${ended.id}: ${ended.state}`)
    })
}

async function list(options: ListOptions): Promise<void> {
  const query = new URLSearchParams({ limit: options.limit ?? '50' })
  if (options.state !== undefined && options.state !== 'all') query.set('state', options.state)
  if (options.agent !== undefined) query.set('agent', options.agent)
  if (options.run !== undefined) query.set('run', options.run)
  const page = await clientOf(options).get<{ readonly mode: string, readonly approvals: readonly ApprovalDocument[] }>(`/v1/approvals?${query}`)
  if (options.json === true) return printJson(page)
  const now = Date.now()
  if (page.mode === 'sandbox') print('SANDBOX: nothing here touches Google Cloud')
  printTable(page.approvals, [
    { title: 'ID', value: ({ id }) => id }, { title: 'STATE', value: ({ state }) => state }, { title: 'ASKED', value: ({ at }) => ago(at, now) },
    { title: 'AGENT', value: ({ agent }) => agent }, { title: 'METHOD', value: ({ method }) => method }, { title: 'ON', value: ({ resources }) => resources.join(' ') },
  ], 'No such approvals.')
}

async function show(id: string, options: AdminOptions): Promise<void> {
  const path = `/v1/approvals/${encodeURIComponent(id)}`
  if (options.json === true) printJson(await clientOf(options).get(path))
  else print((await clientOf(options).text(path)).trimEnd())
}

async function decide(id: string, verdict: 'approve' | 'deny', options: DecideOptions): Promise<void> {
  const answer = await clientOf(options).post<{ readonly state: string }>(`/v1/terminal/approvals/${encodeURIComponent(id)}`, { verdict, ...(options.reason === undefined ? {} : { reason: options.reason }) })
  print(`${id}: ${answer.state}`)
}

/** Who asked, as the operating system says it; the admin socket is this user's alone. */
export function operator(): string {
  return `${process.env['SUDO_USER'] ?? process.env['USER'] ?? `uid ${process.getuid?.() ?? '?'}`} (admin socket)`
}
