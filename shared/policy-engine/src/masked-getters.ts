/** Pairs of methods where an agent reads masked what it may then write back whole: such a write is refused (invariant 9). */
import type { Agent, Call, Method } from '@lockkeeper/domain'
import { conditionContext, createPolicyConditions } from './condition-context.ts'
import type { PolicyDocument, RuleDocument } from './document.ts'
import { MethodTable, type MethodSet } from './method-patterns.ts'

export interface MaskedGetter {
  readonly document: string
  readonly getter: string
  readonly setter: string
  /** The rule that masks what the getter reads. */
  readonly rule: string
}

/** Setters that replace the whole of what their reader shows: `setIamPolicy` beside `getIamPolicy`, and metadata of instances. */
function replacesWhole(setter: Method, getter: Method): boolean {
  const [, collection, subject] = /^(.*)\.set([A-Z]\w*)$/.exec(setter.id) ?? []
  return subject !== undefined && (getter.id === `${collection}.get${subject}` || subject.endsWith('Metadata'))
}

/** For documents that compile. Looks at each document by itself; conditions are tried with a plain call of the getter, and count as true when they fail. */
export function maskedGetters(documents: readonly PolicyDocument[], methods: readonly Method[]): readonly MaskedGetter[] {
  // Most documents mask nothing, and a table of all methods costs milliseconds.
  const masking = documents.filter((document) => document.rules.some(masks))
  if (masking.length === 0) return []
  const table = new MethodTable(methods)
  const pairs = new Map(methods.flatMap((setter) => {
    const getter = setter.reader === undefined ? undefined : table.named(setter.reader).at(-1)
    return getter !== undefined && replacesWhole(setter, getter) ? [[setter.id, { setter, getter }] as const] : []
  }))
  return masking.flatMap((document) => inDocument(document, table, [...pairs.values()]))
}

function masks(rule: RuleDocument): boolean {
  return rule.effect !== 'deny' && (rule.mask?.length ?? 0) + (rule.fields?.length ?? 0) > 0
}

function inDocument(document: PolicyDocument, table: MethodTable, pairs: readonly { readonly setter: Method, readonly getter: Method }[]): readonly MaskedGetter[] {
  const rules = document.rules.filter((rule) => rule.effect !== 'deny')
  const permitting = new Set(rules.map((rule) => table.setOf(rule.methods)))
  const masking = new Map<MethodSet, RuleDocument[]>()
  for (const rule of rules) {
    if (!masks(rule)) continue
    const set = table.setOf(rule.methods)
    masking.set(set, [...masking.get(set)?.slice(0, 9) ?? [], rule])
  }
  return pairs.flatMap(({ setter, getter }) => {
    if (![...permitting].some((set) => covers(set, setter, table))) return []
    const rule = [...masking].filter(([set]) => covers(set, getter, table)).flatMap(([, list]) => list).find((each) => mayHold(each, getter))
    return rule === undefined ? [] : [{ document: document.metadata.name, getter: getter.id, setter: setter.id, rule: rule.name }]
  })
}

function covers(set: MethodSet, method: Method, table: MethodTable): boolean {
  const number = table.numberOf(method)
  return number !== undefined && set.has(number)
}

function mayHold(rule: RuleDocument, method: Method): boolean {
  if (rule.when === undefined) return true
  const condition = createPolicyConditions().compile(rule.when, 'bool')
  if ('problem' in condition) return true
  const outcome = condition.evaluate(conditionContext(SOMEONE, plainCall(method), 0))
  return !outcome.ok || outcome.value === true
}

const SOMEONE: Agent = { issuer: 'x', subject: 'x', id: 'x', run: 'x', chain: [], labels: {}, tokenHash: '', expiresAt: 0 }

function plainCall(method: Method): Call {
  return { target: 'x', method, host: method.host, path: '', query: '', resources: [], arguments: {}, body: { kind: 'none' }, media: 'none' }
}
