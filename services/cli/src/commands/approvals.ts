/** `lockkeeper approvals list|show|approve|deny|revoke|reviews|close|load`. */
import type { Command } from 'commander'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import type { Decided, LoadOf, LoadReport, ReviewDocument } from '@lockkeeper/approval'
import { clientOf, localClientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { ago, print, printJson, printTable } from './output.ts'
import { patternOf, withPattern, type PatternOptions } from './pattern-options.ts'

/** Said where a person decides. */
/** Of the Google Cloud edition. */
const WITH_PROOF = 'there, decide in the console or where you were told of the request: a decision carries your own proof'
const WHERE = '\nWorks where the isolation level keeps agents away from this shell; elsewhere press a key in the terminal of `lockkeeper up`.'

interface ListOptions extends AdminOptions { readonly state?: string, readonly agent?: string, readonly run?: string, readonly limit?: string }
interface DecideOptions extends AdminOptions, PatternOptions { readonly reason?: string, readonly breakGlass?: boolean }

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
  withPattern(withAdmin(approvals.command('approve <id>')).description('Lets exactly this call run once, or with --pattern calls like it too.').option('--reason <text>', 'kept in the log, shown to the agent'))
    .option('--break-glass', 'approve at once and alone, where the rule names you for it; wants a reason, and another person reviews it')
    .addHelpText('after', `${WHERE}\n\nExamples:\n  $ lockkeeper approvals approve apr_4kZ0mQ --reason "ticket 42"\n  $ lockkeeper approvals approve apr_4kZ0mQ --pattern '//storage.googleapis.com/projects/_/buckets/tmp/objects/*' --vary object --uses 20 --for 2h`)
    .action((id: string, options: DecideOptions) => decide(id, 'approve', options))
  withAdmin(approvals.command('deny <id>'))
    .description('Ends the request; the agent gets the reason.')
    .option('--reason <text>', 'kept in the log, shown to the agent')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ lockkeeper approvals deny apr_4kZ0mQ --reason "ticket 42"`)
    .action((id: string, options: DecideOptions) => decide(id, 'deny', options))
  addReviewCommands(approvals)
  withJson(withAdmin(approvals.command('load')))
    .description('How much is asked of whom: requests a day, median time to a decision, approvals within 3 s; and which rules ask most.')
    .option('--days <n>', 'the last so many days, 1 to 90', '7')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals load --days 30')
    .action(load)
  withAdmin(approvals.command('revoke <id>'))
    .description('Takes back a request, an unused approval or a stored answer.')
    .requiredOption('--reason <text>', 'kept in the log')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals revoke apr_4kZ0mQ --reason "approved by mistake"')
    .action(async (id: string, options: DecideOptions) => {
      const ended = await clientOf(options).post<ApprovalDocument>(`/v1/approvals/${encodeURIComponent(id)}/revoke`, { by: operator(), reason: options.reason })
      print(`${ended.id}: ${ended.state}`)
    })
}

function addReviewCommands(approvals: Command): void {
  withJson(withAdmin(approvals.command('reviews')))
    .description('What break-glass let through and nobody has reviewed yet.')
    .option('--closed', 'those that were closed, instead')
    .addHelpText('after', '\nExample:\n  $ lockkeeper approvals reviews')
    .action(reviews)
  withAdmin(approvals.command('close <review>'))
    .description('Closes a review as the person of this terminal, who must be another than the one who broke the glass.')
    .requiredOption('--note <text>', 'what was found, kept in the log')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ lockkeeper approvals close rev_4kZ0mQ --note "right, the site was down"`)
    .action(async (id: string, options: AdminOptions & { readonly note: string }) => {
      const closed = await localClientOf(options, WITH_PROOF).post<ReviewDocument>(`/v1/terminal/reviews/${encodeURIComponent(id)}`, { note: options.note })
      print(`${closed.id}: closed by ${closed.closed?.by ?? '?'}`)
    })
}

async function reviews(options: AdminOptions & { readonly closed?: boolean }): Promise<void> {
  const page = await clientOf(options).get<{ readonly reviews: readonly ReviewDocument[] }>(`/v1/reviews?open=${options.closed !== true}`)
  if (options.json === true) return printJson(page.reviews)
  const now = Date.now()
  printTable(page.reviews, [
    { title: 'ID', value: ({ id }) => id }, { title: 'BROKEN', value: ({ at }) => ago(at, now) }, { title: 'BY', value: ({ by }) => by.join(' ') }, { title: 'CALL', value: ({ summary }) => summary },
    { title: 'REASON', value: ({ reason }) => reason }, { title: 'CLOSED', value: ({ closed }) => closed === undefined ? 'open' : `by ${closed.by}: ${closed.note}` },
  ], 'No such reviews.')
}

async function load(options: AdminOptions & { readonly days: string }): Promise<void> {
  const report = await clientOf(options).get<LoadReport>(`/v1/load?days=${encodeURIComponent(options.days)}`)
  if (options.json === true) return printJson(report)
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  const counts = [
    { title: 'ASKED', value: ({ asked }: LoadOf) => String(asked) }, { title: 'A DAY', value: ({ askedPerDay }: LoadOf) => String(askedPerDay) },
    { title: 'APPROVED', value: ({ approved }: LoadOf) => String(approved) }, { title: 'DENIED', value: ({ denied }: LoadOf) => String(denied) },
    { title: 'MEDIAN', value: ({ medianMs }: LoadOf) => medianMs === undefined ? '-' : `${Math.round(medianMs / 1000)}s` }, { title: 'WITHIN 3S', value: ({ fastShare }: LoadOf) => percent(fastShare) },
  ]
  print(`since ${report.from}`)
  printTable(report.persons, [{ title: 'PERSON', value: ({ called }) => called }, ...counts], 'Nobody was asked.')
  printTable(report.rules, [{ title: 'RULE', value: ({ name }) => name }, ...counts, { title: 'SHARE', value: ({ share, tooMuch }) => `${percent(share)}${tooMuch ? '  too much' : ''}` }], 'No rule asked.')
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
  const grant = patternOf(options)
  const decided = await localClientOf(options, WITH_PROOF).post<Decided>(`/v1/terminal/approvals/${encodeURIComponent(id)}`, {
    verdict, ...(options.reason === undefined ? {} : { reason: options.reason }), ...(grant === undefined ? {} : { grant }), ...(options.breakGlass === true ? { breakGlass: true } : {}),
  })
  print(`${id}: ${decided.state}${decided.state === 'pending' ? `, ${decided.approvals} of ${decided.quorum} approvals` : ''}`)
  if (decided.grant !== undefined) print(`calls like it may run under ${decided.grant}; take it back with: lockkeeper grants revoke ${decided.grant} --reason TEXT`)
  if (decided.review !== undefined) print(`BREAK-GLASS: review ${decided.review} stays open until another person closes it`)
}

/** Who asked, as the operating system says it; the admin socket is this user's alone. */
export function operator(): string {
  return `${process.env['SUDO_USER'] ?? process.env['USER'] ?? `uid ${process.getuid?.() ?? '?'}`} (admin socket)`
}
