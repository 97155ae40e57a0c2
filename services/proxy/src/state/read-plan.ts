/** How the state of what a call changes is read: the getter of the same API version, on the same resource. */
import type { Catalog } from '@lockkeeper/catalog'
import type { Call, Method } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { ReadPlan } from './own-read.ts'
import { stateRuleOf } from './state-rules.ts'

/** Undefined: the method has no getter that shows what it changes. */
export function readPlanOf(call: Call, catalog: Pick<Catalog, 'match' | 'method'>): ReadPlan | undefined {
  const { method, host } = call
  if (!method.change || stateRuleOf(method).reads === false) return undefined
  const path = method.id.startsWith('storage.objects.') ? objectPath(call) : resourcePath(call, catalog)
  if (path === undefined) return undefined
  const query = queryOf(call)
  // The path is our own making: it must mean a read of that API, and nothing else.
  const match = catalog.match({ host, verb: 'GET', path, query })
  if (isRefusal(match) || match.method.change || match.method.version !== method.version || match.media !== 'none') return undefined
  if (match.method.id !== (method.reader ?? 'storage.objects.get') || match.method.returnsSecret || match.method.mintsCredential) return undefined
  return { reader: match.method, path: match.path, query: match.query }
}

/** The path of the getter's template is the beginning of this method's, so its path is the beginning of this call's. */
function resourcePath({ method, path }: Call, catalog: Pick<Catalog, 'method'>): string | undefined {
  const reader = method.reader === undefined ? undefined : catalog.method(`${method.reader}@${method.version}`) ?? catalog.method(method.reader)
  if (reader === undefined || reader.verb !== 'GET') return undefined
  const custom = customVerb(method)
  const plain = custom === '' || !path.endsWith(`:${custom}`) ? path : path.slice(0, -custom.length - 1)
  if (reader.template.includes('**')) return plain
  return plain.split('/').slice(0, segmentsOf(reader)).join('/')
}

function customVerb({ template }: Method): string {
  const colon = template.lastIndexOf(':')
  return colon < 0 || colon < template.lastIndexOf('}') || colon < template.lastIndexOf('/') ? '' : template.slice(colon + 1)
}

/** `/v1/{name=projects/*}` has three: the empty one before the first slash, `v1`, and `projects/*` counts twice. */
function segmentsOf({ template }: Method): number {
  return template.replaceAll(/\{(?:[^=}]*=)?([^}]*)\}/g, '$1').split('/').length
}

/** Uploads and copies name the object that they write in arguments or metadata. */
function objectPath({ arguments: given, body, method }: Call): string | undefined {
  const named = body.kind === 'media' ? body.metadata?.['name'] : body.kind === 'json' && method.id === 'storage.objects.insert' ? body.value['name'] : undefined
  const bucket = given['destinationBucket'] ?? given['bucket']
  const writes = method.id === 'storage.objects.insert' ? given['name'] || named : given['sourceObject'] !== undefined && method.id === 'storage.objects.move' ? given['sourceObject'] : given['destinationObject'] ?? given['object']
  if (bucket === undefined || typeof writes !== 'string' || writes === '') return undefined
  return `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(writes)}`
}

/** Who pays, and which version is meant: they say what is read as they say what is changed. */
function queryOf({ method, arguments: given }: Call): string {
  if (method.api !== 'storage') return ''
  const names = method.id === 'storage.objects.restore' ? ['userProject'] : ['userProject', 'generation']
  return names.flatMap((name) => given[name] === undefined || given[name] === '' ? [] : [`${name}=${encodeURIComponent(given[name])}`]).join('&')
}
