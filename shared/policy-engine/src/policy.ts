import type { Agent, Call, Decision } from '@lockkeeper/domain'
import { conditionContext } from './condition-context.ts'
import { DecisionMaker, namesCall, withErrors } from './decisions.ts'
import { explainCall, type Explanation } from './explain.ts'
import { candidatesOf, Inquiry } from './matching.ts'
import type { Judge, PolicyParts } from './policy-parts.ts'
import type { Entry, RuleIndex } from './rule-index.ts'
import type { Rule } from './rules.ts'
import { findWouldAllow } from './would-allow.ts'

export interface Policy {
  /** Version of the bundle it was compiled from. */
  readonly version: string
  /** Number of rules. */
  readonly rules: number
  /**
   * Deny over approve over allow; no rule: deny. Among equals the first wins (documents by name, rules as written).
   * Synchronous and never throws for what a call holds.
   */
  decide(agent: Agent, call: Call): Decision
  /**
   * Whether a rule that can let the call pass speaks about agent, method and resources, whatever its condition says. Without
   * one no further knowledge (the IAM policy in force) can turn the denial around.
   */
  concerns(agent: Agent, call: Call): boolean
  /** The same decision with every rule and why it matched or did not. For people: it looks at all rules. */
  explain(agent: Agent, call: Call): Explanation
}

export function createPolicy(parts: PolicyParts): Policy {
  const maker = new DecisionMaker(parts.version)
  const inquiryOf = (agent: Agent, call: Call): Inquiry => new Inquiry(() => conditionContext(agent, call, parts.clock.now()))

  const judge: Judge = (agent, call, ignored) => {
    if (call.method.mintsCredential) return maker.builtin('builtin/mints-credential', 'The method hands out a credential; no rule can allow that.')
    const entry = parts.index.entry(agent, call.method)
    const inquiry = inquiryOf(agent, call)
    const decision = entry === undefined ? undefined : judgeEntry(maker, entry, call, inquiry, ignored)
    return withErrors(decision ?? maker.builtin('builtin/no-rule', noRuleReason(parts.index, agent, call)), inquiry.errors)
  }

  const decide = (agent: Agent, call: Call): Decision => {
    const decision = judge(agent, call)
    if (decision.effect !== 'deny') return decision
    const wouldAllow = findWouldAllow(decision, agent, call, parts, judge, inquiryOf(agent, call))
    return wouldAllow === undefined ? decision : { ...decision, wouldAllow }
  }

  return {
    version: parts.version,
    rules: parts.rules.length,
    decide,
    concerns(agent, call) {
      const entry = call.method.mintsCredential ? undefined : parts.index.entry(agent, call.method)
      return entry !== undefined && (entry.always.some(canPass) || candidatesOf(entry, call.resources).some(canPass))
    },
    explain: (agent, call) => explainCall(decide(agent, call), parts, agent, call, inquiryOf(agent, call)),
  }
}

const canPass = (rule: Rule): boolean => rule.effect !== 'deny'

function judgeEntry(maker: DecisionMaker, entry: Entry, call: Call, inquiry: Inquiry, ignored?: (rule: Rule) => boolean): Decision | undefined {
  let candidates = candidatesOf(entry, call.resources)
  if (ignored !== undefined) candidates = candidates.filter((rule) => !ignored(rule))
  const denial = firstDenial(entry, candidates, inquiry)
  if (denial !== undefined) return maker.denied(denial)
  const matched: Rule[] = []
  for (const rule of candidates) if (rule.effect !== 'deny' && inquiry.holds(rule)) matched.push(rule)
  return maker.permitted(entry, matched)
}

function firstDenial(entry: Entry, candidates: readonly Rule[], inquiry: Inquiry): Rule | undefined {
  const certain = entry.denial
  for (const rule of candidates) {
    if (certain !== undefined && rule.index > certain.index) break
    if (rule.effect === 'deny' && inquiry.holds(rule)) return rule
  }
  return certain
}

function noRuleReason(index: RuleIndex, agent: Agent, call: Call): string {
  if (!index.speaksAbout(agent)) return `No policy speaks about agent ${agent.id} of issuer ${agent.issuer}.`
  return `No rule covers ${namesCall(call)} for agent ${agent.id}.`
}
