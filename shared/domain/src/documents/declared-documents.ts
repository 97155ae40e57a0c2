/** What every DocumentStore refuses before it asks its database: limits, names, undeclared collections, data that is not plain. */
import type { Collection, Ref, Write } from '../ports.ts'
import { checkCollections } from './declared-shapes.ts'
import { checkPlain } from './plain-data.ts'

export const MAX_DOCUMENT_BYTES = 900 * 1024
const MAX_ID_BYTES = 1024
/** Documents of one read, and writes of one commit. */
const MAX_DOCUMENTS = 500
const MAX_LIMIT = 1000

export type DocKey = readonly [collection: string, id: string]

export type CheckedWrite =
  | { readonly kind: 'put' | 'create', readonly key: DocKey, readonly json: string }
  | { readonly kind: 'delete', readonly key: DocKey }

export function keyText([collection, id]: DocKey): string {
  return `${collection}/${id}`
}

export class DeclaredDocuments {
  readonly #collections: ReadonlyMap<string, Collection>

  /** TypeError for declarations that no store could take. */
  constructor(collections: readonly Collection[]) {
    this.#collections = checkCollections(collections)
  }

  all(): readonly Collection[] {
    return [...this.#collections.values()]
  }

  /** The declaration that goes by this one's name. */
  collection(collection: Collection): Collection {
    const declared = this.#collections.get(collection.name)
    if (declared === undefined) throw new TypeError(`collection ${collection.name} is not declared to this store`)
    return declared
  }

  keys(refs: readonly Ref[]): DocKey[] {
    if (refs.length > MAX_DOCUMENTS) throw new TypeError(`at most ${MAX_DOCUMENTS} documents are read at once, not ${refs.length}`)
    return refs.map(ref => this.#key(ref))
  }

  /** As `keys`, each once. */
  transactionKeys(refs: readonly Ref[]): DocKey[] {
    const keys = this.keys(refs)
    if (new Set(keys.map(keyText)).size < keys.length) throw new TypeError('a transaction names one document twice')
    return keys
  }

  /** The writes of a commit that read `keys`. */
  writes(keys: readonly DocKey[], writes: readonly Write[]): CheckedWrite[] {
    if (writes.length > MAX_DOCUMENTS) throw new TypeError(`a commit writes at most ${MAX_DOCUMENTS} documents, not ${writes.length}`)
    const read = new Set(keys.map(keyText))
    const written = new Set<string>()
    return writes.map(write => {
      const key = this.#key(write.ref)
      const text = keyText(key)
      if (written.has(text)) throw new TypeError(`a commit writes ${text} twice`)
      if (write.kind !== 'create' && !read.has(text)) throw new TypeError(`a commit writes ${text}, which it has not read`)
      written.add(text)
      return write.kind === 'delete' ? { kind: 'delete', key } : { kind: write.kind, key, json: documentJson(text, write.data) }
    })
  }

  #key(ref: Ref): DocKey {
    this.collection(ref.collection)
    if (typeof ref.id !== 'string' || ref.id === '' || Buffer.byteLength(ref.id) > MAX_ID_BYTES || !ref.id.isWellFormed()) {
      throw new TypeError(`a document id of ${ref.collection.name} is well-formed text of 1 to ${MAX_ID_BYTES} bytes`)
    }
    return [ref.collection.name, ref.id]
  }
}

export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw new TypeError(`a query's limit is 1 to ${MAX_LIMIT}, not ${limit}`)
}

function documentJson(key: string, data: object): string {
  if (Array.isArray(data) || typeof data !== 'object') throw new TypeError(`${key} is no object`)
  checkPlain(data, key)
  const json = JSON.stringify(data)
  const bytes = Buffer.byteLength(json)
  if (bytes > MAX_DOCUMENT_BYTES) throw new TypeError(`${key} has ${bytes} bytes; a document has at most ${MAX_DOCUMENT_BYTES}, larger ones go to the BlobStore`)
  return json
}
