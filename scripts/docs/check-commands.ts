/**
 * Commands in the docs exist: those of `lockkeeper` with their flags, npm scripts, files and folders of the repository; other
 * programs are known by name, Terraform and gcloud with their first word. What a block does when it runs, run-commands.test.ts tries
 * where the page marks it with `<!-- runs -->`; every other block says why not: `<!-- not run: WHY -->`.
 */
import type { RepositoryFile } from '../checks/repository-files.ts'
import type { buildProgram } from '../../services/cli/src/main.ts'
import { readPage, type Fence } from './markdown.ts'
import { shellCommands, type ShellCommand } from './shell-commands.ts'

/** Programs of others that pages name; none of them is run here. */
const OTHERS = new Set(`alias awk base64 bq cat cd chmod chown command cosign cp curl date dd diff docker dig echo eval export false find gh git grep gsutil head id
jq kill kubectl ls mkdir mktemp mv openssl printf python python3 pwd read rm sed seq set sha256sum sleep sort source sqlite3 stat syft systemctl tail tar tee
test touch tr trap true umask uniq unset useradd wait wc xargs agent.mjs my-agent .`.split(/\s+/))
const TERRAFORM = new Set(['init', 'plan', 'apply', 'destroy', 'fmt', 'validate', 'test', 'output', 'import', 'state', 'show', 'force-unlock', 'providers', 'version', 'console', 'refresh', 'graph', 'get', 'workspace'])
const GCLOUD = new Set(`access-context-manager alpha artifacts asset auth beta billing builds bq certificate-manager components compute config container dns firestore functions iam iap
info init kms logging monitoring org-policies organizations policy-intelligence projects pubsub recommender resource-manager run scheduler secrets services source sql storage version`.split(/\s+/))
const NPM = new Set(['install', 'ci', 'start', 'test', 'run', 'pack', 'audit', 'sbom', 'init', 'exec', 'publish', 'view'])

/** commander's own; only the command imports that library. */
type Command = ReturnType<typeof buildProgram>
type Option = Command['options'][number]

export interface Known {
  readonly program: Command
  readonly scripts: Readonly<Record<string, unknown>>
  /** Files and folders of the repository. */
  readonly places: ReadonlySet<string>
}

function commandsOf({ language, text, line }: Fence): readonly ShellCommand[] {
  if (language === 'sh') return shellCommands(text, line)
  if (language !== 'console') return []
  return text.split('\n').flatMap((one, index) => one.startsWith('$ ') ? shellCommands(one.slice(2), line + index) : [])
}

export function checkCommands(files: readonly RepositoryFile[], known: Known): readonly string[] {
  return files.filter(({ file }) => file.endsWith('.md')).flatMap(({ file, text }) => {
    const { fences, spans } = readPage(text)
    const wrong = fences.filter(({ language }) => language === 'bash' || language === 'shell' || language === '').map(({ line }) => `${file}:${line - 1} a block says what it is: sh for commands, console for commands with what they print, text for text`)
    const unmarked = fences.filter(({ language, runs, notRun }) => (language === 'sh' || language === 'console') && runs === undefined && notRun === undefined)
      .map(({ line }) => `${file}:${line - 1} a block of commands says on the line above whether a test runs it: <!-- runs -->, <!-- runs in the sandbox --> or <!-- not run: WHY -->`)
    const blocks = fences.flatMap(commandsOf).flatMap((command) => [...faultsOf(command.words, known), ...gonePlaces(command.words, known)].map((fault) => `${file}:${command.line} ${fault}`))
    const inLines = spans.filter(({ code }) => /^lockkeeper [a-z]/.test(code)).flatMap(({ code, line }) => alternatives(code).flatMap((one) => faultsOfLockkeeper(wordsIn(one), known, true).map((fault) => `${file}:${line} ${fault}`)))
    return [...wrong, ...unmarked, ...blocks, ...inLines]
  })
}

function wordsIn(code: string): readonly string[] {
  return shellCommands(code, 1)[0]?.words.slice(1) ?? []
}

/** `grants list|revoke` names two commands. */
function alternatives(code: string): readonly string[] {
  const found = /[^\s|]+\|[^\s|]+(?:\|[^\s|]+)*/.exec(code.replaceAll(/'[^']*'/g, (text) => 'x'.repeat(text.length)))
  if (found === null) return [code]
  const [all = ''] = found
  return code.slice(found.index, found.index + all.length).split('|').flatMap((one) => alternatives(code.slice(0, found.index) + one + code.slice(found.index + all.length)))
}

function faultsOf(words: readonly string[], known: Known): readonly string[] {
  const [name = '', ...rest] = words
  const [first = ''] = rest.filter((word) => !word.startsWith('-'))
  if (name === 'npx') return first === 'lockkeeper' ? faultsOfLockkeeper(rest.slice(rest.indexOf('lockkeeper') + 1), known, false) : [`npx runs ${first}, which the repository does not bring`]
  if (name === 'lockkeeper') return faultsOfLockkeeper(rest, known, false)
  if (name === 'npm') return faultsOfNpm(first, rest, known)
  if (name === 'node') return []
  if ((name === 'sh' || name === 'bash') && rest[0] === '-c') return shellCommands(rest[1] ?? '', 1).flatMap((command) => faultsOf(command.words, known))
  if (name === 'terraform') return faultsOfTerraform(first, rest, known)
  if (name === 'gcloud') return GCLOUD.has(first) ? [] : [`gcloud has no ${first}`]
  return OTHERS.has(name) || /^(?:\.{0,2}\/|\$)/.test(name) ? [] : [`${name} is a program that these pages do not use`]
}

/** Paths that begin at a folder of the repository. What a block makes itself lies elsewhere. */
function gonePlaces([name = '', ...words]: readonly string[], { places }: Known): readonly string[] {
  const named = words.map((word) => word.replace(/\/$/, '')).filter((word) => /^(?:docs|infra|scripts|services|shared|terraform)\/[\w./-]+$/.test(word))
  return named.filter((word) => !places.has(word)).map((word) => `${name} names ${word}, which is not there`)
}

function faultsOfNpm(first: string, rest: readonly string[], { scripts }: Known): readonly string[] {
  if (!NPM.has(first)) return [`npm has no ${first}`]
  const script = first === 'run' ? rest.filter((word) => !word.startsWith('-'))[1] : first === 'start' || first === 'test' ? first : undefined
  return script === undefined || Object.hasOwn(scripts, script) ? [] : [`package.json has no script ${script}`]
}

function faultsOfTerraform(first: string, rest: readonly string[], { places }: Known): readonly string[] {
  const folder = rest.find((word) => word.startsWith('-chdir='))?.slice('-chdir='.length)
  return [
    ...TERRAFORM.has(first) || first === '' && rest.includes('-version') ? [] : [`terraform has no ${first}`],
    ...folder === undefined || /[$<]/.test(folder) || places.has(folder.replace(/\/$/, '')) ? [] : [`terraform works in ${folder}, which is not there`],
  ]
}

/** `loose`: a mention in a sentence need not be complete. */
function faultsOfLockkeeper(words: readonly string[], known: Known, loose: boolean): readonly string[] {
  let command = known.program
  let path = 'lockkeeper'
  let given = 0
  const used = new Set<Option>()
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string
    const option = word.startsWith('-') && word !== '-' ? optionOf(command, word.split('=')[0] ?? '') : undefined
    if (option === undefined && /^(?:--help|--version|…|\.\.\.)$/.test(word)) continue
    if (word === '--') return loose ? [] : faultsOf(words.slice(at + 1), known)
    if (word.startsWith('-') && word !== '-') {
      if (option === undefined) return [`${path} has no ${word}`]
      used.add(option)
      if (option.required && !word.includes('=')) at += 1
      continue
    }
    const child = given > 0 ? undefined : command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (child === undefined && command.commands.length > 0) return loose && /^[A-Z…]/.test(word) ? [] : [`${path} has no ${word}`]
    if (child === undefined) {
      given += 1
      if (path === 'lockkeeper run') return loose ? [] : faultsOf(words.slice(at), known)
      continue
    }
    command = child as Command
    path += ` ${word}`
  }
  return loose ? [] : incomplete(command, path, given, used)
}

function optionOf(command: Command | null, name: string): Option | undefined {
  if (command === null) return undefined
  return command.options.find(({ long, short }) => long === name || short === name) ?? optionOf(command.parent, name)
}

function incomplete(command: Command, path: string, given: number, used: ReadonlySet<Option>): readonly string[] {
  const needed = command.registeredArguments.filter(({ required }) => required).length
  const most = command.registeredArguments.some(({ variadic }) => variadic) ? Infinity : command.registeredArguments.length
  return [
    ...command.commands.length > 0 ? [`${path} needs a command`] : [],
    ...given < needed || given > most ? [`${path} takes ${needed === most ? needed : `${needed} to ${most}`} arguments, not ${given}`] : [],
    ...command.options.filter((option) => option.mandatory && !used.has(option)).map(({ long }) => `${path} needs ${long ?? ''}`),
  ]
}
