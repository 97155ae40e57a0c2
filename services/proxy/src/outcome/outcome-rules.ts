/**
 * How the API tells whether a call has run whose answer was lost: by the key that it carries, or because the state that it was bound
 * to is gone and the one that it makes is there. Reads only: nothing is ever sent again (invariant 5). Pure.
 * Sources: BigQuery REST reference (jobs.get, JobReference), Compute Engine REST reference (Operation.clientOperationId),
 * Cloud Storage (generations and preconditions), IAM (etag of a policy).
 */
import { iamChange, type Catalog } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, type JsonObject } from '@lockkeeper/domain/json'
import { changesIam, iamReadPlan } from '../iam-in-force.ts'
import { textAt } from '../state/bind-call.ts'
import type { ReadPlan } from '../state/own-read.ts'
import { readPlanOf } from '../state/read-plan.ts'
import { hasOwnKey } from './dedupe-key.ts'
import { declaredSums, holdsAll } from './same-content.ts'

export type Verdict =
  /** It ran: what the API would have answered. */
  | { readonly ran: { readonly status: number, readonly body?: JsonObject }, readonly why: string }
  /** Not to be told; `why` is for the person who looks. */
  | { readonly ran?: undefined, readonly why: string }

export interface OutcomeRule {
  readonly plan: ReadPlan
  /** `value` undefined: the API says that there is none. `since`: epoch ms before which the call cannot have run. */
  readonly judge: (value: JsonObject | undefined, since: number) => Verdict
}

type Planner = (call: Call, catalog: Pick<Catalog, 'match' | 'method'>) => OutcomeRule | undefined

/** Google's clocks and ours may differ by so much. */
const CLOCKS_DIFFER_MS = 5_000

const PLANNERS: Readonly<Record<string, Planner>> = {
  'bigquery.jobs.insert': insertedJob,
  'storage.objects.insert': writtenObject,
  'storage.objects.delete': deletedObject,
  'storage.objects.patch': changedMetadata, 'storage.objects.update': changedMetadata, 'storage.buckets.patch': changedMetadata, 'storage.buckets.update': changedMetadata,
}

/** Undefined: the API has no way to tell. */
export function outcomeRuleOf(call: Call, catalog: Pick<Catalog, 'match' | 'method'>): OutcomeRule | undefined {
  if (call.method.returnsSecret) return undefined
  if (Object.hasOwn(PLANNERS, call.method.id)) return PLANNERS[call.method.id]?.(call, catalog)
  if (changesIam(call)) return replacedPolicy(call, catalog)
  return call.method.api === 'compute' && hasOwnKey(call) ? startedOperation(call, catalog) : undefined
}

/** An agent's own job id may name an earlier job: then it must be as young as the call, and do what the call says. */
function insertedJob(call: Call, catalog: Pick<Catalog, 'match'>): OutcomeRule | undefined {
  const { body } = call
  const jobId = body.kind === 'json' ? textAt(body.value, ['jobReference', 'jobId']) : undefined
  if (body.kind !== 'json' || jobId === undefined) return undefined
  const location = textAt(body.value, ['jobReference', 'location'])
  const plan = reading(call, catalog, 'bigquery.jobs.get', `${call.path}/${encodeURIComponent(jobId)}`, location === undefined ? '' : `location=${encodeURIComponent(location)}`)
  return plan === undefined ? undefined : {
    plan,
    judge(job, since) {
      if (job === undefined) return { why: `there is no job ${jobId} yet` }
      if (textAt(job, ['jobReference', 'jobId']) !== jobId) return { why: 'the answer is about another job' }
      const ran: Verdict = { ran: { status: 200, body: job }, why: `there is a job ${jobId}` }
      if (hasOwnKey(call)) return ran
      const young = Number(textAt(job, ['statistics', 'creationTime']) ?? 'NaN') >= since - CLOCKS_DIFFER_MS
      return young && holdsAll(body.value['configuration'], job['configuration']) ? ran : { why: `the job ${jobId} is an older one or does another thing` }
    },
  }
}

/** A list of operations of the call's own scope, asked for by the key; compute keeps it as `clientOperationId`. */
function startedOperation(call: Call, catalog: Pick<Catalog, 'match'>): OutcomeRule | undefined {
  const key = call.arguments['requestId']
  const scope = /^\/compute\/v1\/projects\/[^/]+\/(?:zones\/[^/]+|regions\/[^/]+)(?=\/)/.exec(call.path)?.[0] ?? /^\/compute\/v1\/projects\/[^/]+(?=\/)/.exec(call.path)?.[0].concat('/global')
  if (key === undefined || scope === undefined) return undefined
  const plan = reading(call, catalog, undefined, `${scope}/operations`, `filter=${encodeURIComponent(`clientOperationId="${key}"`)}&maxResults=2`)
  return plan === undefined ? undefined : {
    plan,
    judge(list) {
      const items = Array.isArray(list?.['items']) ? list['items'] : []
      const found = items.find((one): one is JsonObject => isJsonObject(one) && one['clientOperationId'] === key)
      return found === undefined ? { why: `there is no operation of the request ${key} yet` } : { ran: { status: 200, body: found }, why: `there is an operation of the request ${key}` }
    },
  }
}

function writtenObject(call: Call, catalog: Pick<Catalog, 'match' | 'method'>): OutcomeRule | undefined {
  const { body, media } = call
  const bound = call.arguments['ifGenerationMatch']
  const plan = readPlanOf(call, catalog)
  if (plan === undefined || bound === undefined || media === 'upload-resumable' || body.kind !== 'media') return undefined
  const sums = declaredSums(body)
  return {
    plan,
    judge(object) {
      const generation = object === undefined ? '0' : textAt(object, ['generation'])
      if (object === undefined || generation === bound) return { why: `the object is as it was (generation ${bound})` }
      if (sums.length === 0) return { why: `the object has another generation (${generation}), and the upload declared no checksum to know it by` }
      const same = sums.every(([name, sum]) => object[name] === sum)
      return same ? { ran: { status: 200, body: object }, why: `the object has another generation (${generation}) and the content that was sent` } : { why: `the object has another generation (${generation}) and other content` }
    },
  }
}

function deletedObject(call: Call, catalog: Pick<Catalog, 'match' | 'method'>): OutcomeRule | undefined {
  const plan = readPlanOf(call, catalog)
  const bound = call.arguments['ifGenerationMatch'] ?? call.arguments['generation']
  return plan === undefined || bound === undefined ? undefined : {
    plan,
    judge(object) {
      if (object === undefined) return { ran: { status: 204 }, why: 'the object is there no more' }
      const generation = textAt(object, ['generation'])
      return { why: generation === bound ? `the object is there as it was (generation ${bound})` : `there is another object by now (generation ${generation})` }
    },
  }
}

/** Exactly one step of the metageneration, and everything as it was sent. */
function changedMetadata(call: Call, catalog: Pick<Catalog, 'match' | 'method'>): OutcomeRule | undefined {
  const { body } = call
  const plan = readPlanOf(call, catalog)
  const bound = call.arguments['ifMetagenerationMatch'] ?? ''
  return plan === undefined || body.kind !== 'json' || !/^\d{1,18}$/.test(bound) ? undefined : {
    plan,
    judge(value) {
      const now = textAt(value, ['metageneration'])
      if (value === undefined || now === undefined) return { why: 'it is there no more' }
      if (now === bound) return { why: `it is as it was (metageneration ${bound})` }
      const same = now === String(BigInt(bound) + 1n) && (call.arguments['ifGenerationMatch'] ?? textAt(value, ['generation'])) === textAt(value, ['generation']) && holdsAll(body.value, value)
      return same ? { ran: { status: 200, body: value }, why: `it has been changed once (metageneration ${now}) and is as it was sent` } : { why: `it was changed (metageneration ${now}) and is not as it was sent` }
    },
  }
}

/** Bound to the etag of the policy that was read: another etag and exactly what was sent means that it is in force. */
function replacedPolicy(call: Call, catalog: Pick<Catalog, 'method'>): OutcomeRule | undefined {
  const { body } = call
  if (body.kind !== 'json') return undefined
  const bound = textAt(body.value, ['policy', 'etag']) ?? textAt(body.value, ['etag'])
  return bound === undefined ? undefined : {
    plan: iamReadPlan(call, catalog),
    judge(policy) {
      const etag = textAt(policy, ['etag'])
      if (policy === undefined || etag === undefined || etag === '') return { why: 'the policy in force has no etag' }
      if (etag === bound) return { why: 'the policy in force is as it was' }
      const { added, removed, auditConfigsChanged } = iamChange(body.value, policy)
      const same = added.length === 0 && removed.length === 0 && !auditConfigsChanged
      return same ? { ran: { status: 200, body: policy }, why: 'the policy in force is another than before, and the one that was sent' } : { why: 'the policy in force was changed and is not the one that was sent' }
    },
  }
}

/** The path is our own making: it must mean a read, and nothing else. */
function reading({ host, method }: Call, catalog: Pick<Catalog, 'match'>, id: string | undefined, path: string, query: string): ReadPlan | undefined {
  const match = catalog.match({ host, verb: 'GET', path, query })
  if (isRefusal(match) || match.method.change || match.method.returnsSecret || match.method.version !== method.version) return undefined
  const wanted = id === undefined ? match.method.id.endsWith('Operations.list') : match.method.id === id
  return wanted ? { reader: match.method, path: match.path, query: match.query } : undefined
}
