/** Why a call is decided as it is: every rule in order, and what it was that matched or did not. */
import type { Agent, Call, Decision } from '@lockkeeper/domain'
import { resourcesMatch, type Inquiry } from './matching.ts'
import type { PolicyParts } from './policy-parts.ts'
import type { Rule } from './rules.ts'

export interface LookedAt {
  readonly rule: string
  readonly effect: Rule['effect']
  /** `matched`, or the first thing that did not: `agent`, `method`, `resource`, `condition`. `failed`: the condition could not be evaluated. */
  readonly outcome: 'matched' | 'agent' | 'method' | 'resource' | 'condition' | 'failed'
  /** Whether it counts, failed conditions of deny and approve included. */
  readonly matched: boolean
  readonly why: string
}

export interface Explanation {
  readonly decision: Decision
  readonly rules: readonly LookedAt[]
}

export function explainCall(decision: Decision, parts: PolicyParts, agent: Agent, call: Call, inquiry: Inquiry): Explanation {
  const method = parts.methods.numberOf(call.method)
  return { decision, rules: parts.rules.map((rule) => ({ rule: rule.name, effect: rule.effect, ...lookAt(rule, parts, agent, call, method, inquiry) })) }
}

function lookAt(rule: Rule, parts: PolicyParts, agent: Agent, call: Call, method: number | undefined, inquiry: Inquiry): Pick<LookedAt, 'outcome' | 'matched' | 'why'> {
  const no = (outcome: LookedAt['outcome'], why: string) => ({ outcome, matched: false, why })
  if (!parts.index.selects(agent, rule)) return no('agent', 'its document does not speak about the agent')
  if (method === undefined || !rule.methods.has(method)) return no('method', `it does not cover ${call.method.id}`)
  if (!resourcesMatch(rule, call)) return no('resource', call.resources.length === 0 ? 'the call names no resource' : 'its resources do not cover the call\'s')
  if (rule.condition === undefined) return { outcome: 'matched', matched: true, why: 'agent, method and resources match' }
  const before = inquiry.errors.length
  const holds = inquiry.holds(rule)
  const error = inquiry.errors[before]
  if (error !== undefined) return { outcome: 'failed', matched: holds, why: `its condition failed: ${error.slice(rule.name.length + 2)}` }
  return holds ? { outcome: 'matched', matched: true, why: `its condition holds: ${rule.condition.source}` } : no('condition', `its condition is false: ${rule.condition.source}`)
}
