/** Cloud Storage JSON API: buckets and their IAM policies. */
import { GoogleError, alreadyThere, conditionNotMet, invalid, notFound } from '../google-error.ts'
import { fieldsAt, merged, textAt } from '../json-body.ts'
import type { Fields } from '../json-body.ts'
import { heldPermissions } from '../policies.ts'
import type { Exchange, Route } from '../routes.ts'
import { pageOf } from '../world.ts'
import type { World } from '../world.ts'
import { checkPreconditions } from './preconditions.ts'
import { showBucket } from './resources.ts'
import type { StoredBucket } from './state.ts'

const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/
/** What a caller cannot choose. */
const FIXED = ['kind', 'id', 'name', 'selfLink', 'projectNumber', 'metageneration', 'etag', 'timeCreated', 'updated', 'owner', 'acl'] as const

export function bucketOf(world: World, name: string): StoredBucket {
  const bucket = world.storage.buckets.get(name)
  if (bucket === undefined) throw notFound('The specified bucket does not exist.')
  return bucket
}

export function addBucket(world: World, name: string, chosen: Fields = {}): StoredBucket {
  const now = world.timestamp()
  const bucket: StoredBucket = { name, metageneration: 1, timeCreated: now, updated: now, chosen, objects: new Map() }
  world.storage.buckets.set(name, bucket)
  return bucket
}

export function bucketRoutes(world: World): readonly Route[] {
  const show = (bucket: StoredBucket, { query }: Exchange) => ({ json: showBucket(bucket, query.get('projection')) })
  return [
    { verb: 'GET', template: '/storage/v1/b', handle: (exchange) => listBuckets(world, exchange) },
    { verb: 'POST', template: '/storage/v1/b', handle: (exchange) => show(insertBucket(world, exchange), exchange) },
    { verb: 'GET', template: '/storage/v1/b/{bucket}', handle: (exchange) => {
      const bucket = bucketOf(world, exchange.params.bucket!)
      checkPreconditions(exchange.query, bucket, 'read')
      return show(bucket, exchange)
    } },
    { verb: 'PATCH', template: '/storage/v1/b/{bucket}', handle: (exchange) => show(changeBucket(world, exchange, merged), exchange) },
    { verb: 'PUT', template: '/storage/v1/b/{bucket}', handle: (exchange) => show(changeBucket(world, exchange, (_old, fresh) => fresh), exchange) },
    { verb: 'DELETE', template: '/storage/v1/b/{bucket}', handle: (exchange) => deleteBucket(world, exchange) },
    { verb: 'GET', template: '/storage/v1/b/{bucket}/iam', handle: ({ params }) => ({ json: bucketPolicy(world, params.bucket!) }) },
    { verb: 'PUT', template: '/storage/v1/b/{bucket}/iam', handle: ({ params, json }) => {
      const { name } = bucketOf(world, params.bucket!)
      world.policies.set(policyKey(name), json(), conditionNotMet)
      return { json: bucketPolicy(world, name) }
    } },
    { verb: 'GET', template: '/storage/v1/b/{bucket}/iam/testPermissions', handle: ({ params, query }) => {
      bucketOf(world, params.bucket!)
      return { json: { kind: 'storage#testIamPermissionsResponse', permissions: heldPermissions({ permissions: query.getAll('permissions') }) } }
    } },
  ]
}

const policyKey = (bucket: string): string => `//storage.googleapis.com/projects/_/buckets/${bucket}`

function bucketPolicy(world: World, name: string): object {
  bucketOf(world, name)
  return { kind: 'storage#policy', resourceId: `projects/_/buckets/${name}`, ...world.policies.get(policyKey(name)) }
}

function listBuckets(world: World, { query }: Exchange): { readonly json: object } {
  if (query.get('project') === null) throw invalid('Required parameter: project')
  const prefix = query.get('prefix') ?? ''
  const found = [...world.storage.buckets.values()].filter(({ name }) => name.startsWith(prefix)).toSorted((a, b) => a.name < b.name ? -1 : 1)
  const { items, next } = pageOf(found, query, 'maxResults', 1_000)
  return { json: { kind: 'storage#buckets', ...(next === undefined ? {} : { nextPageToken: next }), items: items.map((bucket) => showBucket(bucket, query.get('projection'))) } }
}

function insertBucket(world: World, { query, json }: Exchange): StoredBucket {
  if (query.get('project') === null) throw invalid('Required parameter: project')
  const body = json()
  const name = textAt(body, 'name') ?? ''
  if (!BUCKET_NAME.test(name)) throw invalid(`Invalid bucket name: '${name}'`)
  if (world.storage.buckets.has(name)) throw alreadyThere('Your previous request to create the named bucket succeeded and you already own it.')
  return addBucket(world, name, chosenOf(body))
}

function changeBucket(world: World, { params, query, json }: Exchange, change: (old: Fields, fresh: Fields) => Fields): StoredBucket {
  const bucket = bucketOf(world, params.bucket!)
  checkPreconditions(query, bucket, 'change')
  const body = json()
  fieldsAt(body, 'labels')
  const changed: StoredBucket = { ...bucket, metageneration: bucket.metageneration + 1, updated: world.timestamp(), chosen: change(bucket.chosen, chosenOf(body)) }
  world.storage.buckets.set(bucket.name, changed)
  return changed
}

function deleteBucket(world: World, { params, query }: Exchange): { readonly status: number } {
  const bucket = bucketOf(world, params.bucket!)
  checkPreconditions(query, bucket, 'change')
  if (bucket.objects.size > 0) throw new GoogleError(409, 'conflict', 'The bucket you tried to delete is not empty.')
  world.storage.buckets.delete(bucket.name)
  return { status: 204 }
}

function chosenOf(body: Fields): Fields {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !(FIXED as readonly string[]).includes(name)))
}
