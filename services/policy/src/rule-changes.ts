/** What is different between two sets of policies, in words. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { PolicyDocument, RuleDocument } from '@lockkeeper/policy-engine'

export interface RuleChange {
  /** `document/rule`, or `document` where what it says of all its rules changed. */
  readonly rule: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly text: string
}

const MOST_NAMED = 8

/** In order of names; the order of rules counts where two sets have the same ones. */
export function ruleChanges(before: readonly PolicyDocument[], after: readonly PolicyDocument[]): readonly RuleChange[] {
  const [old, now] = [byName(before), byName(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names.flatMap((name) => documentChanges(name, old.get(name), now.get(name)))
}

function byName(documents: readonly PolicyDocument[]): ReadonlyMap<string, PolicyDocument> {
  return new Map(documents.map((document) => [document.metadata.name, document]))
}

function documentChanges(name: string, before: PolicyDocument | undefined, after: PolicyDocument | undefined): readonly RuleChange[] {
  const changes: RuleChange[] = []
  if (before !== undefined && after !== undefined) {
    const parts = [...membersChanged({ agents: before.agents, owner: before.metadata.owner }, { agents: after.agents, owner: after.metadata.owner }), ...orderChanged(before.rules, after.rules)]
    if (parts.length > 0) changes.push({ rule: name, change: 'changed', text: parts.join('; ') })
  }
  const [old, now] = [rulesOf(before), rulesOf(after)]
  for (const rule of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(rule), now.get(rule)]
    const full = `${name}/${rule}`
    if (was === undefined && is !== undefined) changes.push({ rule: full, change: 'added', text: ruleText(is, after?.agents ?? []) })
    else if (was !== undefined && is === undefined) changes.push({ rule: full, change: 'removed', text: ruleText(was, before?.agents ?? []) })
    else if (!isDeepStrictEqual(was, is)) changes.push({ rule: full, change: 'changed', text: membersChanged({ ...was }, { ...is }).join('; ') })
  }
  return changes
}

function rulesOf(document: PolicyDocument | undefined): ReadonlyMap<string, RuleDocument> {
  return new Map((document?.rules ?? []).map((rule) => [rule.name, rule]))
}

function orderChanged(before: readonly RuleDocument[], after: readonly RuleDocument[]): readonly string[] {
  const kept = (rules: readonly RuleDocument[], others: readonly RuleDocument[]): string => rules.filter(({ name }) => others.some((other) => other.name === name)).map(({ name }) => name).join()
  return kept(before, after) === kept(after, before) ? [] : ['the order of its rules']
}

/** `allow storage.objects.get for repo:acme/* on //… when …; mask secrets`. */
function ruleText({ effect, methods, resources, when, mask = [], fields = [], approval }: RuleDocument, agents: readonly string[]): string {
  const words = [`${effect} ${listed(methods)} for ${listed(agents)}`]
  if (resources !== undefined) words.push(`on ${listed(resources)}`)
  if (when !== undefined) words.push(`when ${when}`)
  if (mask.length + fields.length > 0) words.push(`masking ${listed([...mask, ...fields])}`)
  if (approval !== undefined) words.push(`approved by ${approval.quorum ?? 1} of ${listed(approval.reviewers ?? ['group:approvers'])}`)
  return words.join(' ')
}

function listed(items: readonly string[]): string {
  const more = items.length - MOST_NAMED
  return `${items.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

type Members = Readonly<Record<string, unknown>>

/** `effect: allow → deny`, `methods: + a, − b`. */
function membersChanged(before: Members, after: Members): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `${name}: ${difference(before[name], after[name])}`)
}

function difference(before: unknown, after: unknown): string {
  if (!Array.isArray(before) || !Array.isArray(after)) return `${shown(before)} → ${shown(after)}`
  const [added, removed] = [after.filter((item) => !before.includes(item)), before.filter((item) => !after.includes(item))].map((items) => items.map(String)) as [string[], string[]]
  if (added.length + removed.length === 0) return 'in another order'
  return [...added.length > 0 ? [`+ ${listed(added)}`] : [], ...removed.length > 0 ? [`− ${listed(removed)}`] : []].join(', ')
}

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
