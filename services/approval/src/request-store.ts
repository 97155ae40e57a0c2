/** Keeps the whole request of an open case: in a document where it fits, else in the BlobStore. */
import { hash } from 'node:crypto'
import type { AccessRequest, BlobStore, DocumentStore, Ref, Write } from '@lockkeeper/domain/ports'
import { KEEP_MS, requests, type RequestDocument } from './collections.ts'

/** Well under the 900 KiB that a document may have. */
const INLINE_BYTES = 600 * 1024

export interface RequestStore {
  /** The write that keeps it; a large one's bytes are durable when it resolves. */
  prepare(request: AccessRequest): Promise<RequestWrite>
  /** Once the write was committed or not: bytes that no document names go. */
  settle(write: RequestWrite): Promise<void>
  /** Undefined once its case has retired. */
  read(id: string): Promise<AccessRequest | undefined>
  remove(id: string): Promise<void>
}
export type RequestWrite = Extract<Write<RequestDocument>, { readonly kind: 'put' }>

export function createRequestStore(documents: DocumentStore, blobs: BlobStore, now: () => number): RequestStore {
  const refOf = (id: string): Ref<RequestDocument> => ({ collection: requests, id })

  async function prepare(request: AccessRequest): Promise<RequestWrite> {
    const bytes = Buffer.from(JSON.stringify(request))
    const ref = refOf(request.id)
    const deleteAt = now() + 2 * KEEP_MS
    if (bytes.length <= INLINE_BYTES) return { kind: 'put', ref, data: { request, deleteAt } }
    const blob = `approval-requests/${hash('sha256', bytes, 'hex')}`
    await blobs.create(blob, bytes)
    return { kind: 'put', ref, data: { blob, deleteAt } }
  }

  async function settle({ ref, data: { blob } }: RequestWrite): Promise<void> {
    if (blob === undefined) return
    const [doc] = await documents.read([ref])
    if (doc?.data.blob !== blob) await blobs.remove(blob)
  }

  async function read(id: string): Promise<AccessRequest | undefined> {
    const [doc] = await documents.read([refOf(id)])
    if (doc?.data.blob === undefined) return doc?.data.request
    const bytes = await blobs.read(doc.data.blob)
    return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString()) as AccessRequest
  }

  async function remove(id: string): Promise<void> {
    const [doc] = await documents.read([refOf(id)])
    if (doc === undefined) return
    if (doc.data.blob !== undefined) await blobs.remove(doc.data.blob)
    await documents.transact([refOf(id)], ([still]) => ({ writes: still === undefined ? [] : [{ kind: 'delete', ref: refOf(id) }], facts: [], result: undefined }))
  }

  return { prepare, settle, read, remove }
}
