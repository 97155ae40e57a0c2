/** One rule, checked and compiled. */
import type { CompiledCondition, Conditions } from '@lockkeeper/conditions'
import type { Effect, MaskPlan } from '@lockkeeper/domain'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import { ruleSchema, zodProblems, type Problem, type RuleDocument } from './document.ts'
import { parseGlob, type Glob } from './glob.ts'
import type { MethodSet, MethodTable } from './method-patterns.ts'
import { obligationsOf, type RuleObligations } from './obligations.ts'

export interface Rule {
  /** Place among all rules: documents sorted by name, rules as written. The first of equals wins. */
  readonly index: number
  /** `policy/rule`. */
  readonly name: string
  /** Number of the selector set of its document. */
  readonly set: number
  readonly effect: Effect
  readonly methods: MethodSet
  /** Undefined: every resource, and calls without one. */
  readonly globs?: readonly Glob[]
  readonly condition?: CompiledCondition
  readonly obligations: RuleObligations
  readonly message?: string
  /** The whole rule as canonical text: part of the decision's hash. */
  readonly content: string
}

export interface RuleTools {
  readonly methods: MethodTable
  readonly conditions: Conditions
  /** Compiled conditions by source; equal sources share one. */
  readonly compiled: Map<string, CompiledCondition | { readonly problem: string }>
  readonly maskProblems: (plan: MaskPlan) => readonly string[]
}

export interface RulePlace { readonly index: number, readonly set: number, readonly document: string, readonly path: readonly (string | number)[] }

export function compileRule(source: unknown, place: RulePlace, tools: RuleTools): Rule | { readonly problems: readonly Problem[] } {
  const parsed = ruleSchema.safeParse(source)
  if (!parsed.success) return { problems: zodProblems(parsed.error, place.path, place.document) }
  const rule = parsed.data
  const problems: Problem[] = []
  const report = (path: readonly (string | number)[], message: string): void => { problems.push({ path: [...place.path, ...path], message, document: place.document }) }
  rule.methods.forEach((pattern, at) => {
    const problem = tools.methods.problemWith(pattern)
    if (problem !== undefined) report(['methods', at], problem)
  })
  const globs = compileGlobs(rule, report)
  const condition = compileCondition(rule, tools, report)
  checkFit(rule, tools, report)
  if (problems.length > 0) return { problems }
  return {
    index: place.index, name: `${place.document}/${rule.name}`, set: place.set, effect: rule.effect, methods: tools.methods.setOf(rule.methods),
    obligations: obligationsOf(rule), content: serialise(fromPlain({ document: place.document, rule })),
    ...(globs === undefined ? {} : { globs }), ...(condition === undefined ? {} : { condition }), ...(rule.message === undefined ? {} : { message: rule.message }),
  }
}

type Report = (path: readonly (string | number)[], message: string) => void

function compileGlobs(rule: RuleDocument, report: Report): readonly Glob[] | undefined {
  return rule.resources?.flatMap((source, at) => {
    const glob = parseGlob(source)
    if ('problem' in glob) report(['resources', at], glob.problem)
    else if (!/^(?:\/\/|\*)/.test(source)) report(['resources', at], `"${source}" can match nothing: full resource names begin with //`)
    else return [glob]
    return []
  })
}

function compileCondition(rule: RuleDocument, tools: RuleTools, report: Report): CompiledCondition | undefined {
  if (rule.when === undefined) return undefined
  const condition = tools.compiled.get(rule.when) ?? tools.conditions.compile(rule.when, 'bool')
  tools.compiled.set(rule.when, condition)
  if (!('problem' in condition)) return condition
  report(['when'], condition.problem)
  return undefined
}

function checkFit(rule: RuleDocument, tools: RuleTools, report: Report): void {
  if (rule.approval !== undefined && rule.effect !== 'approve') report(['approval'], 'approval stands in rules with effect approve only')
  const { expiresMs, escalate } = obligationsOf(rule).approval ?? {}
  if (expiresMs !== undefined && escalate !== undefined && escalate.afterMs >= expiresMs) report(['approval', 'escalate', 'after'], 'comes after the request has expired')
  if (rule.effect === 'deny') {
    for (const field of ['mask', 'fields', 'limits'] as const) if (rule[field] !== undefined) report([field], `a rule that denies has no answer to apply ${field} to`)
  }
  for (const detector of rule.mask ?? []) for (const problem of tools.maskProblems({ detectors: [detector], fields: [] })) report(['mask'], problem)
  for (const field of rule.fields ?? []) for (const problem of tools.maskProblems({ detectors: [], fields: [field] })) report(['fields'], problem)
}
