/** Buckets, objects and upload sessions as the sandbox keeps them. */
import { BoundedMap } from '../bounded-map.ts'
import type { Fields } from '../json-body.ts'

/** Bytes that all objects together may have, and one upload session. */
export const MOST_STORED_BYTES = 512 * 1024 * 1024
export const MOST_SESSION_BYTES = 96 * 1024 * 1024
const MOST_SESSIONS = 500

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
  /** The oldest session is forgotten when there are too many. */
  readonly uploads: BoundedMap<UploadSession>
  /** Of all objects. */
  storedBytes: number
}

export function createStorageState(): StorageState {
  return { buckets: new Map(), uploads: new BoundedMap(MOST_SESSIONS), storedBytes: 0 }
}
