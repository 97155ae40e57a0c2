/** Which rules of an entry match a call, and what a condition says. Pure but for the conditions' own evaluation. */
import type { Call } from '@lockkeeper/domain'
import type { Entry } from './rule-index.ts'
import type { Rule } from './rules.ts'

/** Rules whose resources match and that may have a condition still to be asked, in order. */
export function candidatesOf(entry: Entry, resources: readonly string[]): readonly Rule[] {
  if (entry.trees.length === 0 || resources.length === 0) return entry.conditional
  const found = resources.length === 1 ? placedAt(entry, resources[0] as string) : placedAtAll(entry, resources)
  if (found.length === 0) return entry.conditional
  if (found.length === 1 && entry.conditional.length === 0) return found
  return [...entry.conditional, ...found].sort((left, right) => left.index - right.index)
}

function placedAt(entry: Entry, resource: string): Rule[] {
  const found: Rule[] = []
  for (const tree of entry.trees) tree.match(resource, (rule) => { found.push(rule) })
  return found.length < 2 ? found : [...new Set(found)]
}

/** Allow needs every resource of the call; deny and approve need one. */
function placedAtAll(entry: Entry, resources: readonly string[]): Rule[] {
  const counts = new Map<Rule, number>()
  const distinct = new Set(resources)
  for (const resource of distinct) for (const rule of placedAt(entry, resource)) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  return [...counts].filter(([rule, count]) => rule.effect !== 'allow' || count === distinct.size).map(([rule]) => rule)
}

/** The same for one rule, without an index. */
export function resourcesMatch(rule: Rule, call: Call): boolean {
  const { globs } = rule
  if (globs === undefined) return true
  const covered = (resource: string): boolean => globs.some((glob) => glob.matches(resource))
  return rule.effect === 'allow' ? call.resources.length > 0 && call.resources.every(covered) : call.resources.some(covered)
}

/** Asks conditions about one call; the context is made once, when first needed. */
export class Inquiry {
  readonly errors: string[] = []
  readonly #context: () => Record<string, unknown>
  #made: Record<string, unknown> | undefined

  constructor(context: () => Record<string, unknown>) { this.#context = context }

  /** A condition that fails counts as true for deny and approve and as false for allow, and is noted. */
  holds(rule: Rule): boolean {
    if (rule.condition === undefined) return true
    const outcome = rule.condition.evaluate(this.#made ??= this.#context())
    if (outcome.ok) return outcome.value === true
    const counts = rule.effect !== 'allow'
    this.errors.push(`${rule.name}: ${outcome.error}; counted as ${counts}`)
    return counts
  }
}
