/** What a setIamPolicy call adds and removes: a policy replaces the whole one before it, so the difference is what matters. */
import type { IamChange } from '@lockkeeper/domain'
import { isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'

const PUBLIC: Readonly<Record<string, string>> = { allusers: 'allUsers', allauthenticatedusers: 'allAuthenticatedUsers' }

interface Binding { readonly role: string, readonly member: string, readonly condition?: string }

/**
 * `sent` is the body of the call, `{policy: {bindings…}}` or Cloud Storage's bare policy; `before` the policy in force, as its
 * getIamPolicy answered. Without `before` everything sent counts as added, nothing as removed, and `auditConfigsChanged` says
 * whether the call names them. An update mask that leaves a part out leaves it unchanged; where a mask is not understood or
 * absent, every part counts. What is sent counts as added whatever the mask says: not every API that takes a mask heeds it.
 * Conditions are compared by their expression.
 */
export function iamChange(sent: JsonObject, before?: JsonObject): IamChange {
  const policy = policyOf(sent)
  const wanted = bindingsOf(policy)
  const audits = touches(sent, 'auditconfigs')
  if (before === undefined) {
    return { known: false, added: [...wanted.values()], removed: [], auditConfigsChanged: audits && (policy['auditConfigs'] !== undefined || typeof sent['updateMask'] === 'string') }
  }
  const inForce = policyOf(before)
  const present = bindingsOf(inForce)
  return {
    known: true,
    added: missingFrom(wanted, present),
    removed: touches(sent, 'bindings') ? missingFrom(present, wanted) : [],
    auditConfigsChanged: audits && auditText(policy) !== auditText(inForce),
  }
}

function policyOf(body: JsonObject): JsonObject {
  const policy = body['policy']
  return isJsonObject(policy) ? policy : body
}

function missingFrom(all: ReadonlyMap<string, Binding>, other: ReadonlyMap<string, Binding>): readonly Binding[] {
  return [...all].filter(([key]) => !other.has(key)).map(([, binding]) => binding)
}

function bindingsOf(policy: JsonObject): ReadonlyMap<string, Binding> {
  const found = new Map<string, Binding>()
  for (const binding of listOf(policy['bindings'])) {
    if (!isJsonObject(binding)) continue
    const role = textOf(binding['role'])
    const condition = conditionOf(binding['condition'])
    for (const member of listOf(binding['members']).map(memberOf)) {
      found.set(JSON.stringify([role, member, condition ?? '']), { role, member, ...(condition === undefined ? {} : { condition }) })
    }
  }
  return found
}

/** The expression decides; title and description are words. */
function conditionOf(condition: Json | undefined): string | undefined {
  if (condition === undefined || condition === null) return undefined
  if (!isJsonObject(condition)) return textOf(condition)
  const expression = condition['expression']
  if (Object.keys(condition).length === 0) return undefined
  return typeof expression === 'string' ? expression : serialise(condition)
}

const MASKABLE: ReadonlySet<string> = new Set(['bindings', 'etag', 'version', 'auditconfigs'])

function touches(sent: JsonObject, part: string): boolean {
  const mask = sent['updateMask']
  if (typeof mask !== 'string' || mask === '' || !isJsonObject(sent['policy'])) return true
  const paths = mask.split(',').map((path) => path.trim().replaceAll('_', '').toLowerCase())
  return paths.includes(part) || paths.some((path) => !MASKABLE.has(path))
}

function auditText(policy: JsonObject): string {
  const configs = listOf(policy['auditConfigs']).map((config) => isJsonObject(config) ? serialise({ ...config, auditLogConfigs: sorted(config['auditLogConfigs']) }) : serialise(config))
  return configs.sort().join('\n')
}

function sorted(value: Json | undefined): readonly Json[] {
  return listOf(value).toSorted((a, b) => (serialise(a) < serialise(b) ? -1 : 1))
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value as readonly Json[] : []
}

/** The two public members in their one spelling, so that a rule that names them cannot be missed. */
function memberOf(value: Json): string {
  const text = textOf(value)
  return PUBLIC[text.trim().toLowerCase()] ?? text
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : serialise(value ?? null)
}
