/** `lockkeeper policy check|test|explain|current|starter`; push, pull and diff stand in policy-sets.ts. */
import type { Command } from 'commander'
import type { FileProblem, Question } from '@lockkeeper/policy'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { print, printJson } from './output.ts'
import { policyParts as parts } from './policy-parts.ts'
import { addPolicySetCommands } from './policy-sets.ts'

interface JsonOption { readonly json?: boolean }
interface ExplainOptions extends JsonOption { readonly agent: string, readonly issuer: string, readonly curl?: string, readonly method?: string, readonly resource?: readonly string[], readonly body?: string }

export function addPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('The rules: checked, tested and explained before they are in force.')
  withJson(policy.command('check [folder]'))
    .description('Names every problem with file, line and path, and what is sound but will surprise. Default folder: policies.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy check ./policies')
    .action(check)
  withJson(policy.command('test [folder]'))
    .description('Runs the cases beside the policies (*.cases.yaml).')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy test ./policies')
    .action(test)
  withJson(policy.command('explain [folder]'))
    .description('Why a call is decided as it is: every rule, matched or why not.')
    .requiredOption('--agent <id>', 'agent id')
    .requiredOption('--issuer <name>', 'name of its issuer')
    .option('--curl <line>', 'the call as a curl line')
    .option('--method <id>', 'or: the method\'s Discovery id')
    .option('--resource <name...>', 'full resource names')
    .option('--body <json>', 'the body')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy explain ./policies --issuer github --agent acme/shop --method storage.buckets.delete --resource //storage.googleapis.com/projects/_/buckets/dev-1')
    .action(explain)
  withJson(withAdmin(policy.command('current')))
    .description('The bundle in force in a running gateway, and problems of its folder.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy current')
    .action(async (options: AdminOptions) => printJson(await clientOf(options).get('/v1/policy/current')))
  addPolicySetCommands(policy)
  policy.command('starter <folder>')
    .description('Copies the starter policies and their cases into a new folder.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper policy starter ./policies')
    .action(copyStarter)
}

async function check(folder = 'policies', options: JsonOption): Promise<void> {
  const { service, options: with_ } = await parts()
  const { problems, warnings, documents } = await service.checkFolder(folder, with_)
  if (options.json === true) printJson({ problems, warnings })
  else {
    printProblems(problems, service.formatProblem)
    for (const warning of warnings) print(`warning: ${service.formatProblem(warning)}`)
  }
  if (problems.length > 0) throw new CommandFailed(`${problems.length} problem${problems.length === 1 ? '' : 's'}`)
  if (options.json !== true) print(`ok: ${documents.length} policies, ${documents.reduce((sum, { rules }) => sum + rules.length, 0)} rules`)
}

async function test(folder = 'policies', options: JsonOption): Promise<void> {
  const { service, options: with_ } = await parts()
  const { problems, results } = await service.testFolder(folder, with_)
  const failed = results.filter(({ ok }) => !ok)
  if (options.json === true) printJson({ problems, results })
  else {
    printProblems(problems, service.formatProblem)
    for (const { file, line, description, why } of failed) print(`FAILED ${file}:${line} ${description}: ${why ?? ''}`)
    print(`${results.length - failed.length} passed, ${failed.length} failed`)
  }
  if (problems.length > 0 || failed.length > 0) throw new CommandFailed('the policies do not do what their cases want')
}

async function explain(folder = 'policies', options: ExplainOptions): Promise<void> {
  const { service, options: with_ } = await parts()
  const question = service.questionSchema.safeParse(questionOf(options))
  if (!question.success) throw new WrongUse(question.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  const explained = await service.explainFolder(folder, question.data as Question, with_)
  if ('problems' in explained) {
    printProblems(explained.problems, service.formatProblem)
    throw new CommandFailed('the policies have problems')
  }
  if ('problem' in explained) throw new CommandFailed(explained.problem)
  if (options.json === true) return printJson(explained)
  const { decision, rules } = explained
  print(`${decision.effect} by ${decision.rule}: ${[decision.message, ...decision.reasons].filter((text) => text !== undefined).join(' ')}`)
  if (decision.wouldAllow !== undefined) print(`would be allowed: ${decision.wouldAllow}`)
  for (const { rule, effect, matched, why } of rules) print(`  ${matched ? '✓' : '·'} ${rule} (${effect}): ${why}`)
}

function questionOf({ agent, issuer, curl, method, resource, body }: ExplainOptions): unknown {
  if ((curl === undefined) === (method === undefined)) throw new WrongUse('name the call with --curl or with --method')
  const call = curl === undefined ? { method, resources: resource ?? [], ...(body === undefined ? {} : { body: bodyOf(body) }) } : { curl }
  return { agent: { id: agent, issuer }, call }
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WrongUse(`--body is no JSON: ${(error as Error).message}`)
  }
}

function printProblems(problems: readonly FileProblem[], format: (problem: FileProblem) => string): void {
  for (const problem of problems) print(format(problem))
}

async function copyStarter(folder: string): Promise<void> {
  const [{ starterFolder }, { cp }, { existsSync }] = await Promise.all([import('@lockkeeper/policy'), import('node:fs/promises'), import('node:fs')])
  if (existsSync(folder)) throw new CommandFailed(`${folder} exists already; nothing was written`)
  await cp(starterFolder(), folder, { recursive: true })
  print(`written: ${folder}; check with: lockkeeper policy check ${folder} && lockkeeper policy test ${folder}`)
}
