/** The smallest change of a denied call that policy would allow, in words. Every suggestion is tried out before it is made. */
import type { Agent, Call, Decision, Method } from '@lockkeeper/domain'
import { sampleOf } from './glob.ts'
import { candidatesOf, type Inquiry } from './matching.ts'
import type { Judge, PolicyParts } from './policy-parts.ts'
import type { Rule } from './rules.ts'

/** Globs near the call's resource that are tried. */
const MAX_PLACES = 8
/** Conditions that are asked. */
const MAX_CONDITIONS = 16
/** Other methods that are tried. */
const MAX_METHODS = 8

type Search = (denied: Decision, agent: Agent, call: Call, parts: PolicyParts, judge: Judge, inquiry: Inquiry) => string | undefined

export const findWouldAllow: Search = (...given) => {
  const [denied, , call] = given
  if (call.method.mintsCredential) return undefined
  const searches = denied.rule === 'builtin/no-rule' ? [failedCondition, otherResource, otherMethod] : [withoutConditionalDenial, otherResource, otherMethod]
  for (const search of searches) {
    const found = search(...given)
    if (found !== undefined) return found
  }
  return undefined
}

/** A deny rule with a condition stands in the way of a rule that would let the call pass. */
const withoutConditionalDenial: Search = (denied, agent, call, parts, judge) => {
  const winner = parts.byName.get(denied.rule)
  if (winner?.condition === undefined) return undefined
  const decision = judge(agent, call, (rule) => rule.effect === 'deny' && rule.condition !== undefined)
  if (decision.effect === 'deny') return undefined
  return `The same call where rule ${denied.rule} does not hold (${winner.condition.source}): ${verdict(decision)}.`
}

/** A rule covers method and resources, and its condition is false. */
const failedCondition: Search = (_denied, agent, call, parts, _judge, inquiry) => {
  const entry = parts.index.entry(agent, call.method)
  if (entry === undefined) return undefined
  const rules = candidatesOf(entry, call.resources).filter((rule) => rule.effect !== 'deny' && rule.condition !== undefined)
  const found = rules.slice(0, MAX_CONDITIONS).find((rule) => !inquiry.holds(rule))
  return found === undefined ? undefined : `The same call where ${found.condition?.source ?? ''}: rule ${found.name} ${words(found.effect)}.`
}

/** The same method elsewhere: the places nearest to the call's first resource. */
const otherResource: Search = (_denied, agent, call, parts, judge) => {
  const entry = parts.index.entry(agent, call.method)
  const resource = call.resources[0]
  if (entry === undefined || resource === undefined) return undefined
  for (const tree of entry.trees) {
    for (const { glob, value } of tree.nearest(resource, MAX_PLACES)) {
      if (value.effect === 'deny') continue
      const decision = judge(agent, { ...call, resources: [sampleOf(glob)] })
      if (decision.effect !== 'deny') return `${call.method.id} on ${glob.source}: ${verdict(decision)}.`
    }
  }
  return undefined
}

/** Reading instead of changing, or another method of the same API on the same resources. */
const otherMethod: Search = (_denied, agent, call, parts, judge) => {
  for (const method of nearMethods(call.method, parts)) {
    const decision = judge(agent, { ...call, method, body: { kind: 'none' }, media: 'none', iam: undefined })
    if (decision.effect !== 'deny') return `${method.id} on the same resource: ${verdict(decision)}.`
  }
  return undefined
}

function nearMethods(method: Method, parts: PolicyParts): readonly Method[] {
  const collection = method.id.slice(0, method.id.lastIndexOf('.') + 1)
  const readers = method.reader === undefined ? [] : parts.methods.named(method.reader)
  const siblings = ['get', 'list'].flatMap((verb) => parts.methods.named(`${collection}${verb}`))
  return [...readers, ...siblings].filter((near) => near.id !== method.id && !near.change && !near.mintsCredential).slice(0, MAX_METHODS)
}

function verdict(decision: Decision): string {
  return `rule ${decision.rule} ${words(decision.effect)}`
}

function words(effect: Rule['effect']): string {
  return effect === 'approve' ? 'asks for approval' : 'allows it'
}
