/**
 * What of a call belongs to the gateway itself (invariant 12): a resource that it names, a service account that could be the
 * gateway's under its number, a machine or service that would run as one, a grant to one.
 */
import type { Call } from '@lockkeeper/domain'
import { isJsonObject, type Json } from '@lockkeeper/domain/json'
import { matchesResource } from './resources.ts'

const ACCOUNT = /^\/\/iam\.googleapis\.com\/projects\/[^/]+\/serviceAccounts\/([^/*@]+@[^/*@]+)$/
const PROJECT = /^\/\/\*\.googleapis\.com\/projects\/([a-z0-9-]+)$/
const IAM = '//iam.googleapis.com/'
/** Addresses mean the same in any letters. One begins where a segment does: a long name without one is gone through once. */
const ADDRESS = /(?<![^/@])[^/@]+@[^/]+/
/** A unique id says nothing of whose account it is. */
const NUMBERED = /^\/\/iam\.googleapis\.com\/projects\/[^/]+\/serviceAccounts\/\d+(?:\/|$)/
/** Fields that name who something runs as: `serviceAccount`, `serviceAccountEmail`, `serviceAccounts`, `oidcToken.serviceAccountEmail` … */
const RUNS_AS = /service_?account/i

interface Own { readonly accounts: ReadonlySet<string>, readonly domains: readonly string[] }

const cache = new WeakMap<readonly string[], Own>()

function ownOf(globs: readonly string[]): Own {
  let own = cache.get(globs)
  if (own === undefined) {
    const named = (pattern: RegExp): string[] => globs.flatMap((glob) => pattern.exec(glob)?.[1]?.toLowerCase() ?? [])
    cache.set(globs, own = { accounts: new Set(named(ACCOUNT)), domains: named(PROJECT).map((project) => `@${project}.iam.gserviceaccount.com`) })
  }
  return own
}

/** The first thing of the gateway's own that the call is about, by the name that it has there; undefined: none. `globs` are the protected resources. */
export function gatewayOwn(call: Call, globs: readonly string[]): string | undefined {
  const named = call.resources.find((resource) => globs.some((glob) => matchesResource(glob, resource) || (resource.startsWith(IAM) && matchesResource(glob, IAM + resource.slice(IAM.length).replace(ADDRESS, (address) => address.toLowerCase())))))
  if (named !== undefined || !call.method.change) return named
  const own = ownOf(globs)
  if (own.accounts.size === 0 && own.domains.length === 0) return undefined
  const numbered = call.resources.find((resource) => NUMBERED.test(resource))
  if (numbered !== undefined) return numbered
  if (call.iam !== undefined) return grantedTo(call.iam, own)
  return call.body.kind === 'json' ? runsAs(call.body.value, false, own) : undefined
}

/** Grants to the gateway's accounts would change what it can do. Unknown differences are judged once they are known. */
function grantedTo({ known, added, removed }: NonNullable<Call['iam']>, own: Own): string | undefined {
  return known ? [...added, ...removed].map(({ member }) => member).find((member) => isAccount(member, own)) : undefined
}

function runsAs(value: Json, here: boolean, own: Own): string | undefined {
  if (typeof value === 'string') return here && isAccount(value, own) ? value : undefined
  const members: readonly (readonly [boolean, Json])[] = Array.isArray(value) ? (value as readonly Json[]).map((item) => [here, item] as const)
    : isJsonObject(value) ? Object.entries(value).map(([name, member]) => [here || RUNS_AS.test(name), member] as const) : []
  for (const [inside, member] of members) {
    const found = runsAs(member, inside, own)
    if (found !== undefined) return found
  }
  return undefined
}

/** An address alone, as a member, or at the end of a resource name; letters in any case. */
function isAccount(text: string, { accounts, domains }: Own): boolean {
  const plain = text.trim().toLowerCase()
  const address = plain.slice(Math.max(plain.lastIndexOf('/'), plain.lastIndexOf(':')) + 1)
  return accounts.has(address) || domains.some((domain) => address.endsWith(domain))
}
