/** `lockkeeper audit tail|show|session|search|verify|export`. */
import type { Command } from 'commander'
import type { RecordFilter, RecordPage, RecordView, Session } from '@lockkeeper/audit'
import type { LogReport, StoredRecord, TrustedKeys } from '@lockkeeper/transparency-log'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { clientOf, localClientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { print, printJson } from './output.ts'

type Filters = { readonly [K in keyof RecordFilter]?: string }
interface TailOptions extends AdminOptions, Filters { readonly follow?: boolean, readonly limit: string }

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('The log: every call, refusal and decision.')
  withFilters(withJson(withAdmin(audit.command('tail'))))
    .description('The newest records, oldest first.')
    .option('--follow', 'go on with what comes')
    .option('--limit <n>', 'records of before', '20')
    .addHelpText('after', '\nExample:\n  $ lockkeeper audit tail --follow --result refused')
    .action(tail)
  withFilters(withJson(withAdmin(audit.command('search'))))
    .description('Records that fit, newest first.')
    .option('--limit <n>', 'at most so many', '100')
    .addHelpText('after', '\nExample:\n  $ lockkeeper audit search --agent repo:acme/shop --method storage.objects.delete --from 2026-11-01')
    .action(search)
  withJson(withAdmin(audit.command('show <record>')))
    .description('One record with its partner and its masked bodies.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper audit show rec_8Fq2_1a')
    .action(show)
  withJson(withAdmin(audit.command('session <run>')))
    .description('All of one run as a timeline.')
    .option('--agent <id>', 'of this agent only')
    .option('--bodies', 'with the masked bodies')
    .addHelpText('after', '\nExample:\n  $ lockkeeper audit session 4711 --bodies')
    .action(session)
  withJson(withAdmin(audit.command('verify [directory]')))
    .description('Checks that nothing was changed, dropped or reordered. With a directory: offline, a log that was exported.')
    .option('--keys <file>', 'public keys to trust instead of those beside the exported log')
    .addHelpText('after', '\nExamples:\n  $ lockkeeper audit verify\n  $ lockkeeper audit verify ./evidence --keys ./keys.json')
    .action(verify)
  withAdmin(audit.command('export <directory>'))
    .description('Copies the log with its public keys into an empty directory, for `audit verify` anywhere.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper audit export ./evidence')
    .action(exportLog)
}

function withFilters(command: Command): Command {
  return command
    .option('--agent <id>', 'agent id').option('--run <id>', 'run id').option('--method <id>', 'Discovery id of the method').option('--effect <effect>', 'allow, deny or approve')
    .option('--reason <reason>', 'reason of a refusal').option('--approval <id>', 'approval id').option('--kind <kind>', 'intent, outcome or event')
    .option('--result <result>', 'answered, refused, failed, unknown, receipt, pending or left').option('--from <time>', 'RFC 3339 or epoch ms').option('--to <time>', 'RFC 3339 or epoch ms').option('--text <text>', 'anywhere in the record')
}

const FILTERS = ['agent', 'run', 'method', 'effect', 'reason', 'approval', 'kind', 'result', 'from', 'to', 'text'] as const

function queryOf(options: Filters, more: Readonly<Record<string, string>>): URLSearchParams {
  const query = new URLSearchParams(more)
  for (const name of FILTERS) if (options[name] !== undefined) query.set(name, options[name])
  return query
}

async function tail(options: TailOptions): Promise<void> {
  const { renderTimeline } = await import('@lockkeeper/audit')
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const query = queryOf(options, { limit: options.limit, follow: String(options.follow === true) })
  await clientOf(options).lines(`/v1/audit/tail?${query}`, (line) => {
    if (line.startsWith('{"type"')) throw new CommandFailed((JSON.parse(line) as { detail: string }).detail)
    print(options.json === true ? line : renderTimeline([JSON.parse(line) as StoredRecord]).trimEnd())
  }, stop.signal)
}

async function search(options: TailOptions): Promise<void> {
  const { renderTimeline } = await import('@lockkeeper/audit')
  const page = await clientOf(options).get<RecordPage>(`/v1/audit/records?${queryOf(options, { limit: options.limit })}`)
  if (options.json === true) return printJson(page)
  print(page.records.length === 0 ? 'No such records.' : renderTimeline(page.records).trimEnd())
}

async function show(id: string, options: AdminOptions): Promise<void> {
  printJson(await clientOf(options).get<RecordView>(`/v1/audit/records/${encodeURIComponent(id)}`))
}

async function session(run: string, options: AdminOptions & { readonly agent?: string, readonly bodies?: boolean }): Promise<void> {
  const query = new URLSearchParams({ bodies: String(options.bodies === true), ...(options.agent === undefined ? {} : { agent: options.agent }) })
  const found = await clientOf(options).get<Session>(`/v1/audit/sessions/${encodeURIComponent(run)}?${query}`)
  if (options.json === true) return printJson(found)
  const { renderSession } = await import('@lockkeeper/audit')
  print(renderSession(found).trimEnd())
}

async function verify(directory: string | undefined, options: AdminOptions & { readonly keys?: string }): Promise<void> {
  if (directory === undefined && options.keys !== undefined) throw new WrongUse('--keys is for an exported log: name its directory')
  const report = directory === undefined ? await clientOf(options).get<LogReport>('/v1/audit/verify') : await verifyDirectory(directory, options.keys)
  if (options.json === true) printJson(report)
  else printReport(report)
  if (!report.ok) throw new CommandFailed('the log does not verify')
}

async function verifyDirectory(directory: string, keysFile: string | undefined): Promise<LogReport> {
  const [{ openLogDirectory }, { verifyLog }] = await Promise.all([import('@lockkeeper/audit'), import('@lockkeeper/transparency-log')])
  return verifyLog(await openLogDirectory(directory, await readKeys(directory, keysFile)))
}

/** What the user named and cannot be read is the user's to mend, not a fault of ours. */
async function readKeys(directory: string, keysFile: string | undefined): Promise<TrustedKeys> {
  const [{ auditSettings, exportedKeys }, { readFile }] = await Promise.all([import('@lockkeeper/audit'), import('node:fs/promises')])
  const name = keysFile ?? `${directory}/keys.json`
  const read = async (): Promise<unknown> => keysFile === undefined ? exportedKeys(directory) : JSON.parse(await readFile(keysFile, 'utf8'))
  const found = await read().catch((error: Error) => {
    throw new CommandFailed(`${name} cannot be read as public keys: ${error.message}${keysFile === undefined ? '. Name an exported log, or the keys with --keys' : ''}`)
  })
  const keys = auditSettings.shape.trustedKeys.safeParse(found)
  if (!keys.success) throw new CommandFailed(`${name} holds no public keys: ${keys.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
  return keys.data
}

function printReport(report: LogReport): void {
  for (const problem of report.problems) print(`PROBLEM ${problem.message}`)
  if (report.furtherProblems > 0) print(`and ${report.furtherProblems} more problems`)
  print(`${report.ok ? 'verified' : 'NOT VERIFIED'}: ${report.records} records in ${report.batches} batches, ${report.segments} segments, ${report.checkpoints} checkpoints, ${report.writers.length} writers`)
  print(`root ${report.root}`)
}

async function exportLog(directory: string, options: AdminOptions): Promise<void> {
  const { resolve } = await import('node:path')
  const counts = await localClientOf(options, 'there, the log lies in its bucket: copy log/ from it').post<{ readonly segments: number, readonly bodies: number, readonly checkpoints: number }>('/v1/audit/export', { directory: resolve(directory) })
  print(`exported ${counts.segments} segments, ${counts.bodies} body files and ${counts.checkpoints} checkpoints to ${directory}; check with: lockkeeper audit verify ${directory}`)
}
