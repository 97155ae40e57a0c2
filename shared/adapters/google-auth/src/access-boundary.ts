/**
 * Which Credential Access Boundary a Cloud Storage call needs: the buckets that it names, and no more permissions there
 * than its method takes (cloud.google.com/iam/docs/downscoping-short-lived-credentials). Boundaries exist for Cloud
 * Storage only, and only buckets can be named in them.
 */
import type { Call } from '@lockkeeper/domain'
import type { CredentialReach } from '@lockkeeper/domain/records'

/** Rules of an access boundary, as the Security Token Service takes them. */
export interface BoundaryRule {
  readonly availableResource: string
  readonly availablePermissions: readonly string[]
  readonly availabilityCondition?: { readonly expression: string }
}

/** `bucket`: all objects of the buckets named. `object`: in them only what begins with the names that the call says. */
export type Granularity = 'bucket' | 'object'

export type Boundary =
  | { readonly kind: 'rules', readonly rules: readonly BoundaryRule[] }
  /** No boundary can express what the call needs. */
  | { readonly kind: 'whole', readonly why: string }

const IN_BUCKET = /^\/\/storage\.googleapis\.com\/projects\/_\/buckets\/([^/]+)(?:\/(.+))?$/s
const OBJECT = 'objects/'
/** The Security Token Service takes ten rules. */
const MAX_RULES = 10
/** IAM takes twelve logical operators in one condition; a name that makes it long is left out of it as well. */
const MAX_NAMES = 6
const MAX_EXPRESSION = 1500

const VIEW = 'inRole:roles/storage.objectViewer'
const USE = 'inRole:roles/storage.objectUser'
const ADMINISTER_OBJECTS = 'inRole:roles/storage.objectAdmin'
const READ_BUCKET = 'inRole:roles/storage.legacyBucketReader'
const ADMINISTER_BUCKET = 'inRole:roles/storage.admin'

/** They need a permission on the project, which no boundary can leave in a token. */
const ON_PROJECT: ReadonlySet<string> = new Set(['storage.buckets.insert', 'storage.buckets.restore'])
const READS = /^storage\.(?:objects\.(?:get|list)|folders\.(?:get|list)|managedFolders\.(?:get|list))$/
const WRITES = /^storage\.(?:objects\.(?:insert|compose|copy|delete|move|patch|restore|rewrite|update)|folders\.\w+|managedFolders\.(?:insert|delete))$/
const OBJECT_POLICIES = /^storage\.(?:objectAccessControls\.\w+|objects\.(?:get|set)IamPolicy|objects\.testIamPermissions)$/
/** From the first resource that they name to the second. */
const FROM_TO: ReadonlySet<string> = new Set(['storage.objects.copy', 'storage.objects.rewrite'])
/** With these a write says who may see the object, or how long it is kept. */
const POLICY_ARGUMENTS = ['predefinedAcl', 'destinationPredefinedAcl', 'overrideUnlockedRetention'] as const
const POLICY_FIELDS = ['acl', 'retention'] as const

export function boundaryOf(call: Call, granularity: Granularity): Boundary {
  const { id } = call.method
  if (!id.startsWith('storage.') || call.method.host !== 'storage.googleapis.com') return { kind: 'whole', why: 'no method of Cloud Storage' }
  if (ON_PROJECT.has(id)) return { kind: 'whole', why: 'the method needs a permission on the project' }
  const named = call.resources.flatMap((resource) => placeOf(id, resource) ?? [])
  const buckets = [...new Set(named.map(({ bucket }) => bucket))]
  if (buckets.length === 0 || buckets.length > MAX_RULES) return { kind: 'whole', why: 'the call names no bucket, or too many' }
  return { kind: 'rules', rules: buckets.map((bucket) => rule(call, bucket, named, granularity)) }
}

/** In words for records: `object` only where every bucket's rule names objects. */
export function reachOf(boundary: Boundary): CredentialReach {
  if (boundary.kind === 'whole') return 'whole'
  return boundary.rules.every(({ availabilityCondition }) => availabilityCondition !== undefined) ? 'object' : 'bucket'
}

interface Named { readonly bucket: string, readonly object: string | undefined }

/** Names of objects are read where methods of objects say them: in others (`objects/O/acl/E`) more follows, which may also be a part of a name. */
function placeOf(id: string, resource: string): Named | undefined {
  const [, bucket, inside = ''] = IN_BUCKET.exec(resource) ?? []
  if (bucket === undefined) return undefined
  return { bucket, object: id.startsWith('storage.objects.') && inside.startsWith(OBJECT) ? inside.slice(OBJECT.length) : undefined }
}

function rule(call: Call, bucket: string, named: readonly Named[], granularity: Granularity): BoundaryRule {
  const here = named.filter((each) => each.bucket === bucket)
  // Of a copy the first resource is read and the others are written.
  const isSourceOnly = FROM_TO.has(call.method.id) && named.length > 1 && here.every((each) => each === named[0])
  const expression = granularity === 'object' ? condition(call, bucket, here) : undefined
  return {
    availableResource: `//storage.googleapis.com/projects/_/buckets/${bucket}`,
    availablePermissions: isSourceOnly ? [VIEW] : permissions(call),
    ...(expression === undefined ? {} : { availabilityCondition: { expression } }),
  }
}

function permissions({ method: { id }, arguments: given, body }: Call): readonly string[] {
  const metadata = body.kind === 'json' ? body.value : body.kind === 'media' ? body.metadata : undefined
  const isPolicy = given['projection'] === 'full' || POLICY_ARGUMENTS.some((name) => Object.hasOwn(given, name)) || POLICY_FIELDS.some((name) => metadata !== undefined && Object.hasOwn(metadata, name))
  if (OBJECT_POLICIES.test(id)) return [ADMINISTER_OBJECTS]
  if (READS.test(id)) return [isPolicy ? ADMINISTER_OBJECTS : VIEW]
  if (WRITES.test(id)) return [isPolicy ? ADMINISTER_OBJECTS : USE]
  if (id === 'storage.buckets.get' && !isPolicy) return [READ_BUCKET]
  if (id === 'storage.buckets.getStorageLayout') return [READ_BUCKET, VIEW]
  return [ADMINISTER_BUCKET]
}

/** Undefined where it would have to leave out what the call needs: then the rule is for the whole bucket. */
function condition(call: Call, bucket: string, here: readonly Named[]): string | undefined {
  const isList = call.method.id === 'storage.objects.list'
  const names = isList ? [call.arguments['prefix'] ?? ''] : [...new Set(here.map(({ object }) => object ?? ''))]
  if (names.includes('') || names.length > MAX_NAMES) return undefined
  const terms = names.map((name) => `resource.name.startsWith(${quoted(`projects/_/buckets/${bucket}/objects/${name}`)})`)
  // A list is asked of the bucket: its condition is on the prefix that is listed.
  if (isList) terms.push(`api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith(${quoted(names[0] ?? '')})`)
  const expression = terms.join(' || ')
  return expression.length > MAX_EXPRESSION ? undefined : expression
}

/** A CEL string. Whatever could end it or mean something in it is written as a number: names of objects come from agents. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[^\x20-\x7e]|['"\\]/gu, (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`)}'`
}
