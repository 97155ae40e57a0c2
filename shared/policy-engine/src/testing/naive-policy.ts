/** Test-only: the rules of decide() once more, as plainly as they can be said, with nothing indexed, cached or shared. */
import type { Agent, Call, Decision, Method } from '@lockkeeper/domain'
import { conditionContext, createPolicyConditions } from '../condition-context.ts'
import type { PolicyDocument, RuleDocument } from '../document.ts'

type Verdict = Pick<Decision, 'effect' | 'rule'> & { readonly mask: readonly string[], readonly notify: boolean, readonly bytes: number | undefined, readonly quorum: number | undefined, readonly failed: readonly string[] }

const expression = (glob: string, star: string): RegExp =>
  new RegExp(`^${glob.split(/(\*\*|\*)/).map((part) => part === '**' ? '[^]*' : part === '*' ? star : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('')}$`)
const globMatches = (glob: string, text: string): boolean => expression(glob, '[^/]*').test(text)

function methodMatches(pattern: string, method: Method): boolean {
  if (pattern === 'change') return method.change
  if (pattern === 'read') return !method.change
  if (pattern.startsWith('class:')) return pattern === `class:${method.risk}`
  return expression(pattern, '[^]*').test(method.id)
}

function wordMatches(word: string, agent: Agent): boolean {
  if (word === '*') return true
  const [, kind = '', value = ''] = /^([^:]+):(.*)$/.exec(word) ?? []
  const [label, wanted] = value.split('=') as [string, string?]
  const actual = kind === 'label' ? agent.labels[label] : ({ repo: agent.id, ...agent } as Record<string, unknown>)[kind] as string | undefined
  const glob = kind === 'label' ? wanted ?? '' : value
  return actual !== undefined && (glob === '*' || globMatches(glob, actual))
}

function resourcesMatch(rule: RuleDocument, call: Call): boolean {
  if (rule.resources === undefined) return true
  const hits = call.resources.map((resource) => rule.resources?.some((glob) => globMatches(glob, resource)))
  return hits.length > 0 && (rule.effect === 'allow' ? !hits.includes(false) : hits.includes(true))
}

export function naiveDecision(documents: readonly PolicyDocument[], agent: Agent, call: Call, now: number): Verdict {
  const nothing = { mask: [], notify: false, bytes: undefined, quorum: undefined }
  if (call.method.mintsCredential) return { effect: 'deny', rule: 'builtin/mints-credential', ...nothing, failed: [] }
  const matching: { readonly name: string, readonly rule: RuleDocument }[] = []
  const failed: string[] = []
  for (const document of [...documents].sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)) {
    if (!document.agents.some((selector) => selector.split(' ').every((word) => wordMatches(word, agent)))) continue
    for (const rule of document.rules) {
      if (!rule.methods.some((pattern) => methodMatches(pattern, call.method)) || !resourcesMatch(rule, call)) continue
      const outcome = rule.when === undefined ? { ok: true, value: true } as const : evaluate(rule.when, agent, call, now)
      const holds = outcome.ok ? outcome.value === true : rule.effect !== 'allow'
      if (!outcome.ok) failed.push(`${document.metadata.name}/${rule.name}`)
      if (holds) matching.push({ name: `${document.metadata.name}/${rule.name}`, rule })
    }
  }
  for (const effect of ['deny', 'approve', 'allow'] as const) {
    const winner = matching.find(({ rule }) => rule.effect === effect)
    if (winner === undefined) continue
    const counted = effect === 'deny' ? [winner] : matching.map(({ rule }) => ({ rule })).filter(({ rule }) => rule.effect !== 'deny')
    const sizes = counted.flatMap(({ rule }) => rule.limits?.maxResponseBytes ?? [])
    const quorums = counted.flatMap(({ rule }) => rule.effect === 'approve' ? [rule.approval?.quorum ?? 1] : [])
    return {
      effect, rule: winner.name, mask: [...new Set(counted.flatMap(({ rule }) => rule.mask ?? []))].sort(), notify: counted.some(({ rule }) => rule.notify === true),
      bytes: sizes.length === 0 ? undefined : Math.min(...sizes), quorum: quorums.length === 0 ? undefined : Math.max(...quorums), failed,
    }
  }
  return { effect: 'deny', rule: 'builtin/no-rule', ...nothing, failed }
}

function evaluate(when: string, agent: Agent, call: Call, now: number) {
  const condition = createPolicyConditions().compile(when, 'bool')
  if ('problem' in condition) throw new TypeError(condition.problem)
  return condition.evaluate(conditionContext(agent, call, now))
}
