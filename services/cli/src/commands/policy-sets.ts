/** `lockkeeper policy push|pull|diff|versions`: whole sets, to and from a running gateway. */
import type { Command } from 'commander'
import type { Condition } from '../admin/admin-client.ts'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { operator } from './approvals.ts'
import { print, printJson, printTable, plain } from './output.ts'
import { readSetFolder, readStamp, writeSetFolder, writeStamp } from './policy-folder.ts'
import { policyParts } from './policy-parts.ts'

const NUMBER = /^\d{1,15}$/

interface FolderOptions extends AdminOptions { readonly folder: string }
interface PushOptions extends FolderOptions { readonly version?: string, readonly replaces?: string, readonly dryRun?: boolean, readonly note?: string }
interface PullOptions extends FolderOptions { readonly version?: string }

interface SetInfo { readonly number: number, readonly by: string, readonly note: string, readonly at: number, readonly rules: number, readonly files: number, readonly bundle: string }
interface SetAnswer { readonly source: 'folder' | 'pushed', readonly set?: SetInfo, readonly files: Readonly<Record<string, string>> }
interface Change { readonly rule: string, readonly change: string, readonly text: string }
interface PushAnswer { readonly published: boolean, readonly set?: SetInfo, readonly changes?: readonly Change[], readonly warnings: readonly { readonly file: string, readonly line: number, readonly message: string }[], readonly cases: number, readonly hint?: string }

export function addPolicySetCommands(policy: Command): void {
  withFolder(policy.command('push'))
    .description('Puts the whole folder in force: checked, its cases run, and only in the place of the set that it was pulled from.')
    .option('--version <n>', 'not the folder: an earlier set of that number comes back')
    .option('--replaces <n>', 'number of the set in force that you have looked at; default: the one that the folder was pulled from')
    .option('--dry-run', 'check, run the cases and say what would change; publish nothing')
    .option('--note <text>', 'why, kept with the set')
    .addHelpText('after', '\nExamples:\n  $ lockkeeper policy push --folder ./policies --dry-run\n  $ lockkeeper policy push --folder ./policies --note "ticket 42"\n  $ lockkeeper policy push --version 3 --replaces 5')
    .action(push)
  withFolder(policy.command('pull'))
    .description('Writes the set in force into a folder that is empty or was pulled before.')
    .option('--version <n>', 'an earlier set')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy pull --folder ./policies')
    .action(pull)
  withFolder(policy.command('diff'))
    .description('What a push of the folder would change: rules and targets in words, and decisions on all cases and those of the starter policies.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy diff --folder ./policies')
    .action(diff)
  withJson(withAdmin(policy.command('versions')))
    .description('The sets that were pushed, newest first.')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy versions')
    .action(versions)
}

function withFolder(command: Command): Command {
  return withJson(withAdmin(command.option('--folder <folder>', 'folder of policies, cases and targets.yaml', 'policies')))
}

async function push(options: PushOptions): Promise<void> {
  if (options.replaces !== undefined && !NUMBER.test(options.replaces)) throw new WrongUse('--replaces must be the number of a set')
  const client = clientOf(options)
  const files = options.version === undefined ? await readSetFolder(options.folder) : (await client.get<SetAnswer>(versionPath(options.version))).files
  const condition = await conditionOf(options, async () => (await client.get<SetAnswer>('/v1/policies')).set)
  const answer = await client.put<PushAnswer>(`/v1/policies${options.dryRun === true ? '?dryRun=true' : ''}`, { files, by: operator(), ...(options.note === undefined ? {} : { note: options.note }) }, condition)
  if (options.version === undefined && answer.set !== undefined) await writeStamp(options.folder, answer.set.number)
  if (options.json === true) return printJson(answer)
  for (const { file, line, message } of answer.warnings) print(plain(`warning: ${file}:${line}: ${message}`))
  if (answer.hint !== undefined) print(`warning: ${answer.hint}`)
  if (answer.set === undefined) {
    printChanges(answer.changes ?? [])
    return print(`sound, ${answer.cases} cases passed; nothing was published (--dry-run)`)
  }
  const { number, rules } = answer.set
  print(answer.published ? `in force: set ${number}, ${rules} rules, ${answer.cases} cases passed` : `set ${number} is the same: nothing was published`)
}

/** What the pusher has seen: said by hand, or by the folder, or there is nothing to see. */
async function conditionOf({ folder, replaces, version }: PushOptions, inForce: () => Promise<SetInfo | undefined>): Promise<Condition> {
  const seen = replaces ?? (version === undefined ? await readStamp(folder) : undefined)
  if (seen !== undefined) return Number(seen) === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${Number(seen)}"` }
  const now = await inForce()
  if (now === undefined) return { 'if-none-match': '*' }
  throw new CommandFailed(plain(`set ${now.number} by ${now.by} is in force, and ${version === undefined ? `${folder} was not pulled from it` : 'nothing says that you have looked at it'}. See \`lockkeeper policy diff\`, then push with --replaces ${now.number}`))
}

function versionPath(version: string): string {
  if (!NUMBER.test(version)) throw new WrongUse('--version must be the number of a set')
  return `/v1/policies/versions/${version}`
}

async function pull(options: PullOptions): Promise<void> {
  const answer = await clientOf(options).get<SetAnswer>(options.version === undefined ? '/v1/policies' : versionPath(options.version))
  if (Object.keys(answer.files).length === 0) throw new CommandFailed('nothing is in force yet')
  await writeSetFolder(options.folder, answer.files)
  // An old set is pulled to be looked at: it is not what a push from this folder would replace.
  if (answer.set !== undefined && options.version === undefined) await writeStamp(options.folder, answer.set.number)
  if (options.json === true) return printJson({ set: answer.set, files: Object.keys(answer.files) })
  print(`written: ${Object.keys(answer.files).length} files into ${options.folder}${answer.set === undefined ? '' : ` (set ${answer.set.number} by ${plain(answer.set.by)})`}`)
}

async function diff(options: FolderOptions): Promise<void> {
  const [answer, files, { service, options: checking }] = [await clientOf(options).get<SetAnswer>('/v1/policies'), await readSetFolder(options.folder), await policyParts()]
  const starter = await service.readFolder(service.starterFolder())
  const found = await service.diffSets(answer.files, files, checking, starter.cases)
  if (options.json === true) printJson(found)
  if (found.problems.length > 0) {
    if (options.json !== true) for (const problem of found.problems) print(plain(service.formatProblem(problem)))
    throw new CommandFailed('the policies have problems')
  }
  if (options.json === true) return
  printChanges(found.rules)
  for (const [word, names] of Object.entries(found.targets)) if (names.length > 0) print(`targets ${word}: ${names.join(', ')}`)
  for (const { file, description, before, after } of found.decisions) print(plain(`decision: ${description} (${file}): ${said(before)} → ${said(after)}`))
  print(found.rules.length + found.decisions.length === 0 ? `no rule and no decision changes (${found.cases} cases)` : `${found.rules.length} changes of rules, ${found.decisions.length} of ${found.cases} decisions change`)
}

function said({ effect, rule, mask }: { readonly effect: string, readonly rule: string, readonly mask: readonly string[] }): string {
  return `${effect} by ${rule}${mask.length === 0 ? '' : ` masking ${mask.join(', ')}`}`
}

function printChanges(changes: readonly Change[]): void {
  for (const { rule, change, text } of changes) print(plain(`${change === 'added' ? '+' : change === 'removed' ? '-' : '~'} ${rule}: ${text}`))
}

async function versions(options: AdminOptions & { readonly limit: string }): Promise<void> {
  const page = await clientOf(options).get<{ readonly versions: readonly SetInfo[] }>(`/v1/policies/versions?${new URLSearchParams({ limit: options.limit })}`)
  if (options.json === true) return printJson(page)
  printTable(page.versions, [
    { title: 'SET', value: ({ number }) => String(number) }, { title: 'AT', value: ({ at }) => new Date(at).toISOString().slice(0, 19) }, { title: 'BY', value: ({ by }) => by },
    { title: 'RULES', value: ({ rules }) => String(rules) }, { title: 'BUNDLE', value: ({ bundle }) => bundle.slice(0, 12) }, { title: 'NOTE', value: ({ note }) => note },
  ], 'No set was pushed.')
}
