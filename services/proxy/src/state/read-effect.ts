/**
 * What a call would do, as far as the API tells beforehand without doing it: bytes that a query reads (a dry run of BigQuery), objects
 * in a bucket or folder, tables in a dataset, and whether it would take the call at all (validateOnly). A fixed table; read once for
 * each request, after the decision, for approvers only.
 */
import type { Call } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { EffectFacts } from '@lockkeeper/domain/ports'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { textAt } from './bind-call.ts'
import { ownRead, type ReadPlan } from './own-read.ts'
import { shownToPeople } from './shown-state.ts'
import { refusalIn, validationOf } from './validation.ts'

interface EffectRead { readonly kind: 'bytes' | 'objects' | 'tables', readonly plan: ReadPlan, readonly amount: (answer: JsonObject) => string | undefined }

type Planner = (call: Call, parts: Pick<Parts, 'catalog'>) => EffectRead | undefined

/** Objects that are counted; there may be more. */
const MAX_OBJECTS = 1000

const PLANNERS: Readonly<Record<string, Planner>> = {
  'bigquery.jobs.query': (call) => dryRun(call, ({ value }) => ({ ...value, dryRun: true }), (answer) => textAt(answer, ['totalBytesProcessed'])),
  'bigquery.jobs.insert': (call) => dryRun(call, dryJob, (answer) => textAt(answer, ['statistics', 'totalBytesProcessed'])),
  'storage.buckets.delete': (call, parts) => objectsIn(call, '', parts),
  'storage.folders.deleteRecursive': (call, parts) => objectsIn(call, call.arguments['folder'] ?? '', parts),
  'storage.managedFolders.delete': (call, parts) => objectsIn(call, call.arguments['managedFolder'] ?? '', parts),
  'bigquery.datasets.delete': ({ host, path }, parts) => reading('tables', { host, path: `${path}/tables`, query: 'maxResults=1' }, parts, (answer) => textAt(answer, ['totalItems'])),
}

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'decided'>

/** Undefined: the table has nothing for the method. What cannot be found out is said to be unknown; it stops nothing. */
export async function readEffect(passage: Needs, parts: Parts): Promise<EffectFacts | undefined> {
  const { call } = passage.classified
  const found = Object.hasOwn(PLANNERS, call.method.id) ? PLANNERS[call.method.id]?.(call, parts) : undefined
  if (found === undefined) return validate(passage, parts)
  const read = await ownRead('what the call would do', found.plan, passage, parts)
  if (isRefusal(read)) return { kind: 'unknown', why: read.detail ?? read.message }
  const amount = read.value === undefined ? undefined : found.amount(read.value)
  if (amount === undefined || !/^\d{1,20}$/.test(amount)) return { kind: 'unknown', why: 'the answer does not say it', record: read.record }
  return { kind: found.kind, amount, record: read.record, ...read.value?.['nextPageToken'] !== undefined && found.kind === 'objects' ? { more: true } : {} }
}

/** Never where the upstream may be another thing than the API: what does not know the argument would do what nobody has approved. */
async function validate(passage: Needs, parts: Parts): Promise<EffectFacts | undefined> {
  const { classified: { call, target }, decided: { decision: { obligations } } } = passage
  if (obligations.approval?.validate === false || target.kind !== 'google' || (target.upstream !== undefined && parts.settings.mode === 'real')) return undefined
  const plan = validationOf(call, parts.catalog)
  if (plan === undefined) return undefined
  const read = await ownRead('what the API says to the call', plan, passage, parts)
  if (isRefusal(read)) return { kind: 'unknown', why: read.detail ?? read.message }
  const { status = 0, value, record } = read
  const refused = refusalIn(status, value)
  if (refused === undefined) return status >= 200 && status < 300 ? { kind: 'accepted', record } : { kind: 'unknown', why: `the upstream answered ${status}`, record }
  const shown = shownToPeople({ message: refused }, plan.reader, obligations.mask, parts.maskers)
  return { kind: 'refused', why: `${status}: ${textAt(shown, ['message']) ?? '(not shown)'}`.slice(0, 1_000), record }
}

type JsonBody = Extract<Call['body'], { readonly kind: 'json' }>

/** The call itself with `dryRun`: BigQuery then checks it and estimates, makes no job and bills nothing. */
function dryRun({ method, path, query, body, arguments: given }: Call, dry: (body: JsonBody) => JsonObject | undefined, amount: EffectRead['amount']): EffectRead | undefined {
  const value = body.kind === 'json' && given['sql.dryRun'] !== 'true' ? dry(body) : undefined
  return value === undefined ? undefined : { kind: 'bytes', plan: { reader: method, path, query, body: serialise(value) }, amount }
}

/** Of query jobs only. The job's own id is left for the job. */
function dryJob({ value }: JsonBody): JsonObject | undefined {
  const { configuration, jobReference } = value
  if (!isJsonObject(configuration) || !isJsonObject(configuration['query'])) return undefined
  const location: Json | undefined = isJsonObject(jobReference) ? jobReference['location'] : undefined
  return { configuration: { ...configuration, dryRun: true }, ...location === undefined ? {} : { jobReference: { location } } }
}

function objectsIn({ host, arguments: given }: Call, prefix: string, parts: Pick<Parts, 'catalog'>): EffectRead | undefined {
  const bucket = given['bucket']
  if (bucket === undefined) return undefined
  const query = `maxResults=${MAX_OBJECTS}&fields=nextPageToken,items(generation)${prefix === '' ? '' : `&prefix=${encodeURIComponent(prefix)}`}`
  return reading('objects', { host, path: `/storage/v1/b/${encodeURIComponent(bucket)}/o`, query }, parts, ({ items }) => items === undefined ? '0' : Array.isArray(items) ? String(items.length) : undefined)
}

/** The path is our own making: it must mean a read, and nothing else. */
function reading(kind: EffectRead['kind'], request: { readonly host: string, readonly path: string, readonly query: string }, { catalog }: Pick<Parts, 'catalog'>, amount: EffectRead['amount']): EffectRead | undefined {
  const match = catalog.match({ ...request, verb: 'GET' })
  if (isRefusal(match) || match.method.change || match.method.returnsSecret) return undefined
  return { kind, plan: { reader: match.method, path: match.path, query: match.query }, amount }
}
