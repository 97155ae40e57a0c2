/**
 * A call as the API checks it without doing it: `validateOnly` (AIP-163) where the method's description has it, `dryRun=all` of Cloud
 * Run's first version. Only names that the catalog knows for the very method are put in, so that none can be overlooked. Pure.
 */
import type { Catalog } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { ReadPlan } from './own-read.ts'
import { textAt } from './bind-call.ts'

type Checks = Pick<Catalog, 'match' | 'checkBody'>

/** Methods whose body has the field. */
const IN_BODY: ReadonlySet<string> = new Set([
  'run.projects.locations.jobs.run@v2', 'run.projects.locations.jobs.executions.cancel@v2', 'run.projects.locations.instances.start@v2', 'run.projects.locations.instances.stop@v2', 'storage.buckets.relocate@v1',
])

/** Undefined where the API has no such thing, or the call is one already. */
export function validationOf(call: Call, catalog: Checks): ReadPlan | undefined {
  const { method, body, arguments: given } = call
  if (!method.change || method.mintsCredential || method.returnsSecret || body.kind === 'media') return undefined
  if (given['validateOnly'] !== undefined || given['dryRun'] !== undefined) return undefined
  if (IN_BODY.has(`${method.id}@${method.version}`)) return withField(call, catalog)
  const [name, value] = method.api === 'run' && method.version === 'v1' ? ['dryRun', 'all'] as const : ['validateOnly', 'true'] as const
  const query = withoutRequestId(call.query)
  const match = catalog.match({ host: call.host, verb: method.verb, path: call.path, query: `${query === '' ? '' : `${query}&`}${name}=${value}` })
  if (isRefusal(match) || match.method !== method || match.arguments[name] !== value) return undefined
  return { reader: method, path: match.path, query: match.query, refusals: true, ...body.kind === 'json' ? { body: serialise(body.value) } : {} }
}

function withField({ method, body, path, query }: Call, catalog: Checks): ReadPlan | undefined {
  const before: JsonObject = body.kind === 'json' ? body.value : {}
  const checked = before['validateOnly'] === undefined ? catalog.checkBody(method, { ...before, validateOnly: true }) : undefined
  return checked === undefined || isRefusal(checked) ? undefined : { reader: method, path, query, refusals: true, body: serialise(checked) }
}

/** The real call must not be taken for a repeat of its check. */
function withoutRequestId(query: string): string {
  return query.split('&').filter((pair) => decodeURIComponent((pair.split('=')[0] ?? '').replaceAll('+', ' ')) !== 'requestId').join('&')
}

/** Why the API would refuse the call; undefined: it says no such thing. Operations say it in their own `error`. */
export function refusalIn(status: number, value: JsonObject | undefined): string | undefined {
  const error = value?.['error']
  const said = isJsonObject(error) ? textAt(error, ['message']) ?? firstOf(error['errors']) ?? 'it gave no reason' : undefined
  if (status >= 200 && status < 300) return said
  return status >= 400 && status < 500 && status !== 429 ? said ?? 'it gave no reason' : undefined
}

/** Compute's operations list their errors. */
function firstOf(errors: Json | undefined): string | undefined {
  return Array.isArray(errors) ? textAt(errors[0] as Json | undefined, ['message']) : undefined
}
