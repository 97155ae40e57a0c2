/** What a call depends on beside the resource that it names: where that is read, and how the call is bound to it. Sources: the Cloud Storage and Firestore REST references. */
import type { Catalog } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { fromPlain, isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { OtherState, StateFacts } from '@lockkeeper/domain/ports'
import type { Classified } from '../passage.ts'
import { textAt } from './bind-call.ts'
import type { ReadPlan } from './own-read.ts'

/** One of the objects that a copy or composition takes its content from. */
export interface Source {
  readonly name: string
  readonly plan: ReadPlan
  /** Its place among a composition's sources; undefined: the only one, that of a copy. */
  readonly index?: number
  /** The agent has named the version itself. */
  readonly pinned: boolean
}

/** The documents that a commit writes, read at once. */
export interface Documents { readonly plan: ReadPlan, readonly names: readonly string[], /** Those that are not read. */ readonly left: number }

export interface BoundOthers {
  readonly classified: Classified
  /** Every one of them: the API refuses the call beside another state. */
  readonly bound: boolean
  readonly states: readonly OtherState[]
  readonly more: number
  /** Names and versions, for the hash. */
  readonly versions: readonly (readonly string[])[]
  readonly changes: NonNullable<StateFacts['changes']>
  readonly moreChanges: number
}

/** The API takes no more in one composition. */
const MAX_SOURCES = 32
/** Documents of a commit that are read and bound. */
const MAX_DOCUMENTS = 100

export function sourcesOf(call: Call, catalog: Pick<Catalog, 'match'>): readonly Source[] {
  const { method, arguments: given, body } = call
  if (method.id === 'storage.objects.copy' || method.id === 'storage.objects.rewrite') return sourceAt(call, given['sourceBucket'], given['sourceObject'], given['sourceGeneration'], undefined, catalog)
  if (method.id !== 'storage.objects.compose' || body.kind !== 'json') return []
  return listAt(body.value, 'sourceObjects').slice(0, MAX_SOURCES).flatMap((source, index) => isJsonObject(source)
    ? sourceAt(call, given['destinationBucket'], textAt(source, ['name']), textAt(source, ['generation']), index, catalog) : [])
}

function sourceAt(call: Call, bucket: string | undefined, object: string | undefined, generation: string | undefined, index: number | undefined, catalog: Pick<Catalog, 'match'>): readonly Source[] {
  const { userProject } = call.arguments
  if (bucket === undefined || object === undefined || object === '') return []
  const query = [...generation === undefined ? [] : [`generation=${encodeURIComponent(generation)}`], ...userProject === undefined || userProject === '' ? [] : [`userProject=${encodeURIComponent(userProject)}`]].join('&')
  const match = catalog.match({ host: call.host, verb: 'GET', path: `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}`, query })
  if (isRefusal(match) || match.method.id !== 'storage.objects.get' || match.media !== 'none') return []
  return [{ name: `gs://${bucket}/${object}`, plan: { reader: match.method, path: match.path, query: match.query }, pinned: generation !== undefined, ...index === undefined ? {} : { index } }]
}

/** Undefined where the call is no commit, or names no document of its own database. */
export function documentsOf(call: Call, catalog: Pick<Catalog, 'match'>): Documents | undefined {
  const { method, body, path, host } = call
  if (!isCommit(method.id) || body.kind !== 'json') return undefined
  const database = path.replace(/^\/v1\//, '').replace(/:\w+$/, '')
  const all = [...new Set(writesOf(body.value).flatMap((write) => documentOf(write)?.name ?? []))]
  const names = all.filter((name) => name.startsWith(`${decodeURIComponent(database)}/`)).slice(0, MAX_DOCUMENTS)
  const match = catalog.match({ host, verb: 'POST', path: path.replace(/:\w+$/, ':batchGet'), query: '' })
  if (names.length === 0 || isRefusal(match) || match.method.change || !match.method.id.endsWith('.documents.batchGet')) return undefined
  return { names, left: all.length - names.length, plan: { reader: match.method, path: match.path, query: match.query, body: serialise(fromPlain({ documents: names })), list: true } }
}

function isCommit(id: string): boolean {
  return id === 'firestore.projects.databases.documents.commit' || id === 'firestore.projects.databases.documents.batchWrite'
}

export function writesOf(body: JsonObject): readonly Json[] {
  return listAt(body, 'writes')
}

/** What one write does, to which document. A `transform` counts, and is not bound: it follows what is there. */
export function documentOf(write: Json | undefined): { readonly name: string, readonly kind: 'update' | 'delete' | 'transform' } | undefined {
  if (!isJsonObject(write)) return undefined
  const { update, transform } = write
  if (isJsonObject(update) && typeof update['name'] === 'string') return { name: update['name'], kind: 'update' }
  if (typeof write['delete'] === 'string') return { name: write['delete'], kind: 'delete' }
  return isJsonObject(transform) && typeof transform['document'] === 'string' ? { name: transform['document'], kind: 'transform' } : undefined
}

function listAt(body: JsonObject, name: string): readonly Json[] {
  const value = body[name]
  return Array.isArray(value) ? value as readonly Json[] : []
}
