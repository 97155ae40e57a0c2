import type { CompiledCondition } from '@lockkeeper/conditions'
import { systemClock, type Clock, type MaskPlan, type Method } from '@lockkeeper/domain'
import { parseSelector, SelectorTable } from './agent-selectors.ts'
import { createPolicyConditions } from './condition-context.ts'
import { documentHeadSchema, zodProblems, type PolicyDocument, type Problem } from './document.ts'
import { MethodTable } from './method-patterns.ts'
import { createPolicy, type Policy } from './policy.ts'
import { PrefixTree } from './prefix-tree.ts'
import { RuleIndex, type RuleGroup } from './rule-index.ts'
import { compileRule, type Rule, type RuleTools } from './rules.ts'
import { createSlices, type Slices } from './slices.ts'

/** Problems that are reported at once. */
const MAX_PROBLEMS = 200
/** Rules of one policy. */
export const MAX_RULES = 50_000

export interface CompileOptions {
  /** Version of the bundle; stands in every decision. */
  readonly bundle: string
  /** Awaited whenever 1 ms was worked at a stretch. Default: a few turns of the event loop. */
  readonly slice?: () => Promise<void>
  /** Time that conditions see. Default: the system's. */
  readonly clock?: Clock
  /** What is wrong with a plan of detectors and fields, in words (the masking package's own check). Default: nothing is checked. */
  readonly maskProblems?: (plan: MaskPlan) => readonly string[]
}

/** Checks and compiles all documents together. Either everything is sound or nothing is compiled and all problems are told. */
export async function compile(documents: readonly PolicyDocument[], methods: readonly Method[], options: CompileOptions): Promise<{ readonly policy: Policy } | { readonly problems: readonly Problem[] }> {
  const clock = options.clock ?? systemClock
  const slices = createSlices(clock, options.slice)
  const compilation = new Compilation(new MethodTable(methods), options.maskProblems ?? (() => []))
  for (const { document, input } of documentsInOrder(documents)) {
    await compilation.addDocument(document, input, slices)
    if (compilation.problems.length >= MAX_PROBLEMS) break
  }
  if (compilation.problems.length > 0) return { problems: compilation.problems.slice(0, MAX_PROBLEMS) }
  return { policy: createPolicy({ version: options.bundle, clock, ...await compilation.finish(slices) }) }
}

/** By name, so that the order of files decides nothing. */
function documentsInOrder(documents: readonly unknown[]): readonly { readonly document: unknown, readonly input: number }[] {
  const nameOf = (document: unknown): string => String((document as { metadata?: { name?: unknown } } | null)?.metadata?.name ?? '')
  return documents.map((document, input) => ({ document, input, name: nameOf(document) })).sort((left, right) => left.name < right.name ? -1 : left.name > right.name ? 1 : 0)
}

class Compilation {
  readonly problems: Problem[] = []
  readonly #rules: Rule[] = []
  readonly #selectors = new SelectorTable()
  readonly #sets = new Map<string, number>()
  readonly #names = new Set<string>()
  readonly #tools: RuleTools

  constructor(methods: MethodTable, maskProblems: RuleTools['maskProblems']) {
    const compiled = new Map<string, CompiledCondition | { readonly problem: string }>()
    this.#tools = { methods, conditions: createPolicyConditions(), compiled, maskProblems }
  }

  async addDocument(document: unknown, input: number, slices: Slices): Promise<void> {
    const before = this.problems.length
    await this.#add(document, slices)
    for (let at = before; at < this.problems.length; at++) this.problems[at] = { ...this.problems[at] as Problem, input }
  }

  async #add(document: unknown, slices: Slices): Promise<void> {
    const head = documentHeadSchema.safeParse(document)
    const name = head.success ? head.data.metadata.name : undefined
    if (!head.success || name === undefined) {
      this.problems.push(...zodProblems(head.error as NonNullable<typeof head.error>, [], nameOf(document)))
      return
    }
    const report = (path: readonly (string | number)[], message: string): void => { this.problems.push({ path, message, document: name }) }
    if (this.#names.has(name)) report(['metadata', 'name'], `another document is called ${name} too`)
    if (name === 'builtin') report(['metadata', 'name'], 'builtin is the name of what no policy can change')
    this.#names.add(name)
    const set = this.#selectorSet(head.data.agents, report)
    await this.#addRules(head.data.rules, name, set, report, slices)
  }

  async #addRules(rules: readonly unknown[], document: string, set: number, report: (path: readonly (string | number)[], message: string) => void, slices: Slices): Promise<void> {
    const names = new Set<string>()
    for (const [at, source] of rules.entries()) {
      if (slices.due()) await slices.rest()
      if (this.#rules.length >= MAX_RULES) report(['rules', at], `there are more than ${MAX_RULES} rules`)
      if (this.problems.length >= MAX_PROBLEMS) return
      const rule = compileRule(source, { index: this.#rules.length, set, document, path: ['rules', at] }, this.#tools)
      if ('problems' in rule) {
        this.problems.push(...rule.problems)
        continue
      }
      if (names.has(rule.name)) report(['rules', at, 'name'], 'another rule of the document has the same name')
      names.add(rule.name)
      this.#rules.push(rule)
    }
  }

  /** Documents with the same selectors share a set. */
  #selectorSet(sources: readonly string[], report: (path: readonly (string | number)[], message: string) => void): number {
    const key = JSON.stringify([...sources].sort())
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const set = this.#sets.size
    this.#sets.set(key, set)
    for (const [at, source] of sources.entries()) {
      const selector = parseSelector(source)
      if ('problem' in selector) report(['agents', at], selector.problem)
      else this.#selectors.add(selector, set)
    }
    return set
  }

  async finish(slices: Slices): Promise<{ rules: readonly Rule[], byName: ReadonlyMap<string, Rule>, index: RuleIndex, methods: MethodTable }> {
    const groups = new Map<string, RuleGroup>()
    for (const rule of this.#rules) {
      if (slices.due()) await slices.rest()
      const key = `${rule.set} ${rule.methods.key}`
      let group = groups.get(key)
      if (group === undefined) groups.set(key, group = { set: rule.set, methods: rule.methods, always: [], conditional: [], tree: new PrefixTree(), placed: [] })
      file(group, rule)
    }
    const byName = new Map(this.#rules.map((rule) => [rule.name, rule]))
    return { rules: this.#rules, byName, index: new RuleIndex([...groups.values()], this.#selectors, this.#tools.methods), methods: this.#tools.methods }
  }
}

function file(group: RuleGroup, rule: Rule): void {
  if (rule.globs === undefined) {
    (rule.condition === undefined ? group.always : group.conditional).push(rule)
    return
  }
  group.placed.push(rule)
  for (const glob of rule.globs) group.tree.add(glob, rule)
}

function nameOf(document: unknown): string | undefined {
  const name = (document as { metadata?: { name?: unknown } } | null)?.metadata?.name
  return typeof name === 'string' ? name : undefined
}
