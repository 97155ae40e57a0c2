/** Resources that a body names beside those of the path: what an upload creates, what a job reads and writes, which documents a commit touches. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { checkObjectName } from './path-encoding.ts'
import type { Match } from './request-matcher.ts'

const FIRESTORE = '//firestore.googleapis.com/'
const LOGGING = '//logging.googleapis.com/'
const MANAGER = '//cloudresourcemanager.googleapis.com/'
const PUBSUB = '//pubsub.googleapis.com/'
const CONTAINER = /^(?:projects|folders|organizations)\/[^/]+$/

/** More than this in one call cannot be judged one by one. */
const MAX_RESOURCES = 1000
/** Characters of one name, as of a path (Firestore's document names, the longest of all, have 6 KiB), and of all names of one body: globs go through each. */
const MAX_NAME = 8192
const MAX_NAMES = 262_144

type Named = Pick<Match, 'method' | 'resources' | 'arguments'>
/** Names to add; `undefined` entries are skipped. */
type Reader = (body: JsonObject, call: Named) => readonly (string | undefined)[]

/**
 * The resources of the path and of the checked body together. An upload whose object is named in its metadata alone gets that
 * object in place of its bucket. Refuses names that could be read in two ways, more than 1,000 resources, and names that are longer than any.
 */
export function resourcesWithBody(call: Named, body: JsonObject): readonly string[] | Refusal {
  if (call.method.id === 'storage.objects.insert') return uploadedObject(call, body)
  const reader = READERS[call.method.id]
  if (reader === undefined) return call.resources
  const names = reader(body, call).filter((name) => name !== undefined)
  const all = [...new Set([...call.resources, ...names])]
  if (all.length > MAX_RESOURCES) return refuse('BODY_TOO_LARGE_TO_INSPECT', `The body names more than ${MAX_RESOURCES} resources. Send it in smaller parts.`)
  if (all.some(({ length }) => length > MAX_NAME) || all.reduce((sum, { length }) => sum + length, 0) > MAX_NAMES) {
    return refuse('BODY_TOO_LARGE_TO_INSPECT', `The body names a resource with over ${MAX_NAME} characters, or resources with over ${MAX_NAMES} together. Send it in smaller parts.`)
  }
  return all
}

function uploadedObject(call: Named, body: JsonObject): readonly string[] | Refusal {
  const name = body['name']
  // The argument overrides the metadata.
  if (typeof name !== 'string' || name === '' || (call.arguments['name'] ?? '') !== '') return call.resources
  const checked = checkObjectName(name)
  return isRefusal(checked) ? checked : call.resources.map((bucket) => `${bucket}/objects/${checked}`)
}

const READERS: Readonly<Record<string, Reader>> = {
  'storage.buckets.insert': (body) => [named('//storage.googleapis.com/projects/_/buckets/', body['name'])],
  'storage.objects.compose': (body, { arguments: given }) => list(body['sourceObjects']).map((source) => named(`//storage.googleapis.com/projects/_/buckets/${given['destinationBucket'] ?? ''}/objects/`, at(source, 'name'))),
  'bigquery.jobs.insert': (body, { arguments: given }) => jobTables(at(body, 'configuration'), given['projectId'] ?? ''),
  'bigquery.jobs.query': (body, { arguments: given }) => [dataset(body['defaultDataset'], given['projectId'] ?? '')],
  'bigquery.datasets.insert': (body, { arguments: given }) => [dataset(body['datasetReference'], given['projectId'] ?? '')],
  'bigquery.tables.insert': (body, { arguments: given }) => [table(body['tableReference'], given['projectId'] ?? '')],
  'cloudresourcemanager.projects.create': (body) => [container(body['parent']), named(`${MANAGER}projects/`, body['projectId'])],
  'cloudresourcemanager.projects.move': (body) => [container(body['destinationParent'])],
  'cloudresourcemanager.folders.create': (body) => [container(body['parent'])],
  'cloudresourcemanager.folders.move': (body) => [container(body['destinationParent'])],
  'cloudresourcemanager.tagBindings.create': (body) => [text(body['parent']), named(MANAGER, body['tagValue'])],
  'firestore.projects.databases.documents.commit': (body) => list(body['writes']).flatMap(written),
  'firestore.projects.databases.documents.batchWrite': (body) => list(body['writes']).flatMap(written),
  'firestore.projects.databases.documents.write': (body) => list(body['writes']).flatMap(written),
  'firestore.projects.databases.documents.batchGet': (body) => list(body['documents']).map((name) => named(FIRESTORE, name)),
  'iam.projects.serviceAccounts.create': (body, { arguments: given }) => [account(given['name'], text(body['accountId']))],
  'logging.entries.list': (body) => list(body['resourceNames']).map(logSource),
  'logging.entries.tail': (body) => list(body['resourceNames']).map(logSource),
  'logging.entries.write': (body) => [named(LOGGING, body['logName']), ...list(body['entries']).map((entry) => named(LOGGING, at(entry, 'logName')))],
  'pubsub.projects.subscriptions.create': (body) => [named(PUBSUB, body['topic']), named(PUBSUB, at(body['deadLetterPolicy'], 'deadLetterTopic'))],
  'pubsub.projects.subscriptions.seek': (body) => [named(PUBSUB, body['snapshot'])],
}

function at(value: Json | undefined, field: string): Json | undefined {
  return isJsonObject(value) ? value[field] : undefined
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value as readonly Json[] : []
}

function named(prefix: string, value: Json | undefined): string | undefined {
  const name = text(value)
  return name === undefined ? undefined : prefix + name
}

/** `folders/1`, or the old form `{type: 'folder', id: '1'}`. */
function container(value: Json | undefined): string | undefined {
  const [type, id] = [text(at(value, 'type')), text(at(value, 'id'))]
  return type !== undefined && id !== undefined ? `${MANAGER}${type}s/${id}` : named(MANAGER, value)
}

/** A container, or a view of a log bucket. */
function logSource(value: Json): string | undefined {
  return CONTAINER.test(text(value) ?? '') ? container(value) : named(LOGGING, value)
}

function written(write: Json): readonly (string | undefined)[] {
  return [at(at(write, 'update'), 'name'), at(write, 'delete'), at(at(write, 'transform'), 'document')].map((name) => named(FIRESTORE, name))
}

function account(parent: string | undefined, id: string | undefined): string | undefined {
  const project = /^projects\/([^/]+)$/.exec(parent ?? '')?.[1]
  if (project === undefined || id === undefined) return undefined
  // `example.com:shop` stands backwards in an address.
  const domain = project.split(':').toReversed().join('.')
  return `//iam.googleapis.com/projects/${project}/serviceAccounts/${id}@${domain}.iam.gserviceaccount.com`
}

function dataset(reference: Json | undefined, project: string): string | undefined {
  const id = text(at(reference, 'datasetId'))
  return id === undefined ? undefined : `//bigquery.googleapis.com/projects/${text(at(reference, 'projectId')) ?? project}/datasets/${id}`
}

function table(reference: Json | undefined, project: string): string | undefined {
  const id = text(at(reference, 'tableId'))
  const parent = dataset(reference, project)
  return id === undefined || parent === undefined ? parent : `${parent}/tables/${id}`
}

function jobTables(configuration: Json | undefined, project: string): readonly (string | undefined)[] {
  const [query, load, copy, extract] = ['query', 'load', 'copy', 'extract'].map((kind) => at(configuration, kind))
  const references = [at(query, 'destinationTable'), at(load, 'destinationTable'), at(copy, 'destinationTable'), at(copy, 'sourceTable'), ...list(at(copy, 'sourceTables')), at(extract, 'sourceTable')]
  return [dataset(at(query, 'defaultDataset'), project), ...references.map((reference) => table(reference, project))]
}
