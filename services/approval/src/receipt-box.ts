/** Seals stored answers: AES-256-GCM, bound to approval and attach key, so that a receipt opens for its own call only. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { BlobStore, StoredAnswer } from '@lockkeeper/domain/ports'

/** Body bytes of the largest answer that is kept. */
export const MAX_RECEIPT_BYTES = 4 * 1024 * 1024

const PREFIX = 'receipts/'
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_LENGTH_BYTES = 4

/** Whom a receipt belongs to. */
export interface Owner { readonly approval: string, readonly attachHash: string }

export interface ReceiptBox {
  /** The key of the sealed answer; undefined where it is over 4 MiB and only its status is kept. Durable when it resolves. */
  put(owner: Owner, answer: StoredAnswer): Promise<string | undefined>
  /** Undefined where it is gone. Throws when it was changed or belongs to another call. */
  get(owner: Owner, key: string): Promise<StoredAnswer | undefined>
  remove(key: string): Promise<void>
  /** Keys after `after` and the approvals that they were made for, at most 200. */
  list(after: string | undefined): Promise<readonly { readonly key: string, readonly approval: string }[]>
}

/** `secretKey`: 32 bytes. */
export function createReceiptBox(blobs: BlobStore, secretKey: Uint8Array): ReceiptBox {
  if (secretKey.length !== 32) throw new TypeError('the receipt key must have 32 bytes')

  async function put(owner: Owner, answer: StoredAnswer): Promise<string | undefined> {
    if (answer.body.length > MAX_RECEIPT_BYTES) return undefined
    const key = `${PREFIX}${Buffer.from(owner.approval).toString('hex')}/${randomBytes(12).toString('hex')}`
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', secretKey, iv).setAAD(boundTo(owner))
    const sealed = Buffer.concat([cipher.update(pack(answer)), cipher.final()])
    await blobs.create(key, Buffer.concat([iv, cipher.getAuthTag(), sealed]))
    return key
  }

  async function get(owner: Owner, key: string): Promise<StoredAnswer | undefined> {
    const bytes = await blobs.read(key)
    if (bytes === undefined) return undefined
    const iv = bytes.subarray(0, IV_BYTES)
    const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', secretKey, iv, { authTagLength: TAG_BYTES }).setAAD(boundTo(owner)).setAuthTag(tag)
    return unpack(Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]))
  }

  async function list(after: string | undefined) {
    const keys = await blobs.list(PREFIX, { ...after === undefined ? {} : { after }, limit: 200 })
    return keys.map((key) => ({ key, approval: Buffer.from(key.slice(PREFIX.length).split('/')[0] ?? '', 'hex').toString() }))
  }

  return { put, get, list, remove: (key) => blobs.remove(key) }
}

function boundTo({ approval, attachHash }: Owner): Buffer {
  return Buffer.from(JSON.stringify(['lockkeeper-receipt-v1', approval, attachHash]))
}

function pack({ status, headers, body }: StoredAnswer): Buffer {
  const header = Buffer.from(JSON.stringify({ status, headers }))
  const length = Buffer.alloc(HEADER_LENGTH_BYTES)
  length.writeUInt32BE(header.length)
  return Buffer.concat([length, header, body])
}

function unpack(bytes: Buffer): StoredAnswer {
  const end = HEADER_LENGTH_BYTES + bytes.readUInt32BE(0)
  const { status, headers } = JSON.parse(bytes.subarray(HEADER_LENGTH_BYTES, end).toString()) as Omit<StoredAnswer, 'body'>
  return { status, headers, body: bytes.subarray(end) }
}
