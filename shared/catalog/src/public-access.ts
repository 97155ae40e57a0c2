/**
 * Whether a change opens something to everybody otherwise than by an IAM policy: by an access list, a predefined one, or a switch.
 * Fails closed: the words for everybody count wherever they stand in the body of a method that could. What setIamPolicy adds is told by `iamChange`.
 */
import { isJsonObject, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { Match } from './request-matcher.ts'

/** The members that stand for everybody, and BigQuery's and Cloud Storage's words for them. */
const EVERYBODY: ReadonlySet<string> = new Set(['allusers', 'allauthenticatedusers'])
/** Arguments of Cloud Storage that name a ready-made list, and those of its lists that everybody is on. */
const PREDEFINED = ['predefinedAcl', 'predefinedDefaultObjectAcl', 'destinationPredefinedAcl'] as const
const PUBLIC_LISTS: ReadonlySet<string> = new Set(['publicread', 'publicreadwrite', 'authenticatedread'])
/** Cloud Run asks no caller for a permission where this is set: a field of v2, an annotation of v1. */
const OPEN_SWITCHES: ReadonlySet<string> = new Set(['invokeriamdisabled', 'run.googleapis.com/invoker-iam-disabled'])

/** What else has access lists or such a switch; other APIs know IAM policies alone, and their bodies may hold any words. */
const APIS = ['storage.', 'run.', 'bigquery.datasets.', 'bigquery.rowAccessPolicies.'] as const

/** `body`: checked, so nested no deeper than its parser lets through. */
export function opensToEverybody({ method, arguments: sent }: Pick<Match, 'method' | 'arguments'>, body: JsonObject | undefined): boolean {
  if (!method.change || method.id.endsWith('.setIamPolicy') || !APIS.some((prefix) => method.id.startsWith(prefix))) return false
  if (isEverybody(sent['entity'] ?? null)) return true
  if (PREDEFINED.some((name) => PUBLIC_LISTS.has(plain(sent[name] ?? '')))) return true
  return body !== undefined && holdsEverybody(body)
}

function holdsEverybody(value: Json): boolean {
  if (Array.isArray(value)) return (value as readonly Json[]).some(holdsEverybody)
  if (!isJsonObject(value)) return isEverybody(value)
  return Object.entries(value).some(([name, member]) => (OPEN_SWITCHES.has(plain(name)) && (member === true || (typeof member === 'string' && plain(member) === 'true'))) || holdsEverybody(member))
}

function isEverybody(value: Json): boolean {
  return typeof value === 'string' && value.length < 64 && EVERYBODY.has(plain(value))
}

function plain(text: string): string {
  return text.trim().toLowerCase()
}
