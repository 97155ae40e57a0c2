/** Buckets, objects and upload sessions as the sandbox keeps them. */
import type { Fields } from '../json-body.ts'

export interface StoredObject {
  readonly bucket: string
  readonly name: string
  readonly generation: number
  readonly metageneration: number
  readonly content: Buffer
  readonly crc32c: string
  /** Composed objects have none. */
  readonly md5Hash?: string
  readonly componentCount?: number
  readonly timeCreated: string
  readonly updated: string
  /** What the writer may choose: contentType, cacheControl, metadata, … */
  readonly chosen: Fields
}

export interface StoredBucket {
  readonly name: string
  readonly metageneration: number
  readonly timeCreated: string
  readonly updated: string
  readonly chosen: Fields
  readonly objects: Map<string, StoredObject>
}

export interface UploadSession {
  readonly bucket: string
  readonly name: string
  readonly metadata: Fields
  readonly query: URLSearchParams
  /** Declared by X-Upload-Content-Length or learnt from a Content-Range. */
  readonly size: number | undefined
  readonly chunks: readonly Buffer[]
  readonly persisted: number
  readonly finished?: StoredObject
}

export interface StorageState {
  readonly buckets: Map<string, StoredBucket>
  readonly uploads: Map<string, UploadSession>
}

export function createStorageState(): StorageState {
  return { buckets: new Map(), uploads: new Map() }
}
