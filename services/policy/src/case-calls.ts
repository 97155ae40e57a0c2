/** Agents and calls as test cases write them, made whole. */
import type { Agent, Call, Method } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { fromPlain, type JsonObject } from '@lockkeeper/domain/json'
import { HTTP_METHODS, type PolicyCase } from '@lockkeeper/policy-engine'
import { iamOf, jsonBody, toldByBody, type Classify } from './classify.ts'
import { parseCurl } from './curl-line.ts'

export function agentOf(given: PolicyCase['agent']): Agent {
  const { issuer, id, subject = id, run = 'run-1', sponsor, labels = {} } = given
  return { issuer, id, subject, run, labels, chain: [], tokenHash: '', expiresAt: 0, ...(sponsor === undefined ? {} : { sponsor }) }
}

/** The call, or why there is none. */
export function callOf(given: PolicyCase['call'], methods: readonly Method[], classify: Classify | undefined): Call | { readonly problem: string } {
  if ('curl' in given) return fromCurl(given.curl, classify)
  const method = named(given.method, methods)
  if (method === undefined) return { problem: `no method is called ${given.method}` }
  const body = given.body === undefined ? { kind: 'none' as const } : jsonBody(fromPlain(given.body) as JsonObject)
  const iam = given.iam === undefined ? iamOf(method, body) : { iam: iamGiven(given.iam) }
  const told = toldByBody({ method, resources: [], arguments: given.arguments ?? {} }, undefined, body)
  if (isRefusal(told)) return refused(told)
  const resources = given.resources ?? told.resources
  return { target: given.target ?? 'google', method, host: method.host, path: '', query: '', resources, arguments: told.arguments, media: 'none', body, ...iam }
}

/** By `id` (the newest version) or `id@version`. */
function named(name: string, methods: readonly Method[]): Method | undefined {
  const found = [...HTTP_METHODS, ...methods].filter(({ id, version }) => name === id || name === `${id}@${version}`)
  return found.sort((left, right) => left.version < right.version ? 1 : -1)[0]
}

type GivenIam = NonNullable<Extract<PolicyCase['call'], { method: string }>['iam']>

function iamGiven({ known = true, added = [], removed = [], auditConfigsChanged = false }: GivenIam): NonNullable<Call['iam']> {
  const binding = ({ role, member, condition }: NonNullable<GivenIam['added']>[number]) => ({ role, member, ...(condition === undefined ? {} : { condition }) })
  return { known, added: added.map(binding), removed: removed.map(binding), auditConfigsChanged }
}

function fromCurl(line: string, classify: Classify | undefined): Call | { readonly problem: string } {
  if (classify === undefined) return { problem: 'curl lines need the catalog' }
  const request = parseCurl(line)
  if ('problem' in request) return request
  const call = classify(request)
  return isRefusal(call) ? refused(call) : call
}

function refused({ reason, message }: Refusal): { readonly problem: string } {
  return { problem: `the gateway refuses the call before policy is asked: ${reason}: ${message}` }
}
