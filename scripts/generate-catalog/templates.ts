/**
 * Path templates in one spelling: `/v1/{name=projects/X/topics/X}:publish` with `*` for X. `{x}` is one segment, `*` too, `**` is one or
 * more segments, `**2` one or more pairs of segments (collection and document of Firestore).
 */
import type { DiscoveryMethod } from './documents.ts'

/** Where Discovery's pattern says less than the API's own HTTP rules; each with its reason. */
const SPANS: readonly { readonly pattern: string, readonly span: string, readonly why: string }[] = [
  { pattern: '^liens/.*$', span: 'liens/*', why: 'a lien has one segment; the flat path says so too' },
  { pattern: '^operations/.*$', span: 'operations/*', why: 'an operation of Resource Manager has one segment' },
  { pattern: '^projects/[^/]+/databases/[^/]+/documents/[^/]+/.*$', span: 'projects/*/databases/*/documents/**2', why: 'a document path is made of collection and document pairs' },
  { pattern: '^projects/[^/]+/databases/[^/]+/documents/.*$', span: 'projects/*/databases/*/documents/**2', why: 'the root has a template of its own, see ALSO' },
]

const DOCUMENTS_ROOT = '/v1/{parent=projects/*/databases/*/documents}'

/** Additional HTTP bindings that Discovery leaves out (a document names one path per method). */
const ALSO: Readonly<Record<string, string>> = {
  'firestore.projects.databases.documents.createDocument': `${DOCUMENTS_ROOT}/{collectionId}`,
  'firestore.projects.databases.documents.listCollectionIds': `${DOCUMENTS_ROOT}:listCollectionIds`,
  'firestore.projects.databases.documents.partitionQuery': `${DOCUMENTS_ROOT}:partitionQuery`,
  'firestore.projects.databases.documents.runAggregationQuery': `${DOCUMENTS_ROOT}:runAggregationQuery`,
  'firestore.projects.databases.documents.runQuery': `${DOCUMENTS_ROOT}:runQuery`,
}

export function alsoOf(method: DiscoveryMethod): string | undefined {
  return ALSO[method.id]
}

/** The template below `base` (`/storage/v1/`). Throws when the document cannot be understood, so that nothing is guessed. */
export function templateOf(method: DiscoveryMethod, base: string, path = method.path): string {
  const template = path.replaceAll(/\{\+(\w+)\}/g, (_, name: string) => {
    const span = spanOf(method, name)
    return span === '*' ? `{${name}}` : `{${name}=${span}}`
  })
  return path.startsWith('/') ? template : base + template
}

function spanOf(method: DiscoveryMethod, name: string): string {
  const pattern = method.parameters?.[name]?.pattern
  const corrected = SPANS.find((row) => row.pattern === pattern)
  if (corrected !== undefined) return corrected.span
  const plain = pattern === undefined ? undefined : globOf(pattern)
  return plain ?? spanFromFlatPath(method, name)
}

/** `^projects/[^/]+/topics/[^/]+$` → the same with `*` for each segment; undefined for any other kind of pattern. */
export function globOf(pattern: string): string | undefined {
  if (!pattern.startsWith('^') || !pattern.endsWith('$')) return undefined
  const glob = pattern.slice(1, -1).replaceAll('[^/]+', '*').replace(/\/\.\*$/, '/**')
  return /^(?:[\w.-]+|\*)(?:\/(?:[\w.-]+|\*))*(?:\/\*\*)?$/.test(glob) ? glob : undefined
}

/** A parameter whose pattern is a full regular expression takes the segments that the flat path has in its place. */
function spanFromFlatPath(method: DiscoveryMethod, name: string): string {
  const own = method.path.split('/')
  const flat = (method.flatPath ?? '').split('/')
  const place = own.indexOf(`{+${name}}`)
  const length = flat.length - own.length + 1
  if (place < 0 || length < 1 || own.filter((segment) => segment.startsWith('{+')).length !== 1) {
    throw new TypeError(`${method.id}: cannot tell which segments {+${name}} takes`)
  }
  return flat.slice(place, place + length).map((segment) => segment.startsWith('{') ? '*' : segment).join('/')
}
