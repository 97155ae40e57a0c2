/** Buckets and objects as the JSON API shows them. */
import type { StoredBucket, StoredObject } from './state.ts'
import { PROJECT } from '../world.ts'

const STORAGE_ORIGIN = 'https://storage.googleapis.com'
const SELF_ORIGIN = 'https://www.googleapis.com'

export function etagOf(generation: number, metageneration: number): string {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(BigInt(generation))
  bytes.writeUInt32BE(metageneration, 8)
  return bytes.toString('base64')
}

export function showObject(object: StoredObject, projection: string | null): object {
  const path = `b/${encodeURIComponent(object.bucket)}/o/${encodeURIComponent(object.name)}`
  const owner = { entity: 'user-storage-admin@sandbox.example.com', entityId: '' }
  return {
    kind: 'storage#object',
    id: `${object.bucket}/${object.name}/${object.generation}`,
    selfLink: `${SELF_ORIGIN}/storage/v1/${path}`,
    mediaLink: `${STORAGE_ORIGIN}/download/storage/v1/${path}?generation=${object.generation}&alt=media`,
    name: object.name, bucket: object.bucket,
    generation: String(object.generation), metageneration: String(object.metageneration),
    contentType: 'application/octet-stream', storageClass: 'STANDARD',
    ...object.chosen,
    size: String(object.content.length),
    ...(object.md5Hash === undefined ? {} : { md5Hash: object.md5Hash }),
    crc32c: object.crc32c,
    ...(object.componentCount === undefined ? {} : { componentCount: object.componentCount }),
    etag: etagOf(object.generation, object.metageneration),
    timeCreated: object.timeCreated, updated: object.updated, timeStorageClassUpdated: object.timeCreated, timeFinalized: object.timeCreated,
    ...(projection === 'full' ? { owner, acl: [{ kind: 'storage#objectAccessControl', object: object.name, bucket: object.bucket, entity: owner.entity, role: 'OWNER', email: owner.entity.slice(5) }] } : {}),
  }
}

export function showBucket(bucket: StoredBucket, projection: string | null): object {
  return {
    kind: 'storage#bucket',
    id: bucket.name, name: bucket.name,
    selfLink: `${SELF_ORIGIN}/storage/v1/b/${encodeURIComponent(bucket.name)}`,
    projectNumber: PROJECT.number, metageneration: String(bucket.metageneration),
    location: 'EUROPE-WEST1', locationType: 'region', storageClass: 'STANDARD',
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
    ...bucket.chosen,
    etag: etagOf(0, bucket.metageneration),
    timeCreated: bucket.timeCreated, updated: bucket.updated,
    ...(projection === 'full' ? { owner: { entity: `project-owners-${PROJECT.number}` } } : {}),
  }
}
