/** Objects by the published Cloud Storage JSON API v1 (multipart upload, media, list, delete); not Google's server. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { referenceCrc32c } from './crc32c.ts'

export interface StorageRequest {
  readonly verb: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly authorization: string | undefined
}

export interface StorageFault { readonly status: number, readonly reason: string, readonly message?: string }

export interface MediaAnswer { readonly headers: Readonly<Record<string, string>>, readonly bytes: Uint8Array }

export interface StorageServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly requests: StorageRequest[]
  /** Objects by name, of the one bucket `bucket`. */
  readonly objects: Map<string, Uint8Array>
  /** Names that retention holds. */
  readonly held: Set<string>
  /** Of the bucket, as its metadata says it. */
  retentionPolicy: object | undefined
  /** Names per page of a list at most, as Google may give fewer than were asked for. Default 1,000. */
  pageSize: number
  /** `silence`: no answer. `reset`: the connection is cut at once. `lost`: the work is done and the connection cut. */
  fault: ((request: StorageRequest) => StorageFault | 'silence' | 'reset' | 'lost' | undefined) | undefined
  /** Changes a download. */
  distort: ((answer: MediaAnswer) => MediaAnswer) | undefined
  close(): Promise<void>
}

export const STORAGE_BUCKET = 'gateway-blobs'

export async function startStorageServer(): Promise<StorageServer> {
  const server = createServer((request, response) => { void serve(store, request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const store: StorageServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: [], objects: new Map(), held: new Set(), retentionPolicy: undefined, pageSize: 1000, fault: undefined, distort: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return store
}

type Answer = { readonly status: number, readonly json?: unknown, readonly media?: MediaAnswer }

async function serve(store: StorageServer, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const url = new URL(message.url ?? '', store.origin)
  const request: StorageRequest = { verb: message.method ?? '', path: url.pathname, query: Object.fromEntries(url.searchParams), authorization: message.headers.authorization }
  store.requests.push(request)
  const fault = store.fault?.(request)
  if (fault === 'silence') return
  if (fault === 'reset') return void message.socket.destroy()
  const answer = typeof fault === 'object' ? failure(fault.status, fault.reason, fault.message) : route(store, request, message.headers['content-type'] ?? '', Buffer.concat(chunks))
  if (fault === 'lost') return void message.socket.destroy()
  if (answer.media !== undefined) return void response.writeHead(answer.status, answer.media.headers).end(answer.media.bytes)
  response.writeHead(answer.status, { 'content-type': 'application/json; charset=UTF-8' }).end(answer.json === undefined ? undefined : JSON.stringify(answer.json))
}

function failure(status: number, reason: string, message = reason): Answer {
  return { status, json: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } } }
}

function route(store: StorageServer, request: StorageRequest, contentType: string, body: Buffer): Answer {
  if (request.verb === 'GET' && request.path === `/storage/v1/b/${STORAGE_BUCKET}`) return { status: 200, json: { kind: 'storage#bucket', name: STORAGE_BUCKET, retentionPolicy: store.retentionPolicy } }
  const [, upload, bucket, name] = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(request.path) ?? []
  if (bucket === undefined) return failure(404, 'notFound', `no method has the path ${request.path}`)
  if (bucket !== STORAGE_BUCKET) return failure(404, 'notFound', 'The specified bucket does not exist.')
  if (upload !== undefined) return request.verb === 'POST' ? insert(store, request, contentType, body) : failure(405, 'methodNotAllowed')
  if (name === undefined) return list(store, request.query)
  return one(store, request, decodeURIComponent(name))
}

function insert(store: StorageServer, { query }: StorageRequest, contentType: string, body: Buffer): Answer {
  if (query['uploadType'] !== 'multipart') return failure(400, 'invalid', 'only multipart uploads are known here')
  const parts = readParts(contentType, body)
  if (parts === undefined) return failure(400, 'badRequest', 'Malformed multipart body.')
  const name = query['name'] ?? ''
  const metadata = JSON.parse(parts.metadata) as { readonly crc32c?: string, readonly name?: string }
  if (name === '' || Buffer.byteLength(name) > 1024) return failure(400, 'invalid', 'a name of 1 to 1,024 bytes is needed')
  if (metadata.crc32c !== undefined && metadata.crc32c !== checksum(parts.media)) return failure(400, 'invalid', `Provided CRC32C "${metadata.crc32c}" doesn't match calculated CRC32C "${checksum(parts.media)}".`)
  if (query['ifGenerationMatch'] === '0' && store.objects.has(name)) return failure(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')
  store.objects.set(name, parts.media)
  return { status: 200, json: { kind: 'storage#object', bucket: STORAGE_BUCKET, name, size: String(parts.media.length), crc32c: checksum(parts.media), generation: '1' } }
}

/** multipart/related with two parts (RFC 2387), as uploadType=multipart has them. */
function readParts(contentType: string, body: Buffer): { readonly metadata: string, readonly media: Buffer } | undefined {
  const boundary = /^multipart\/related;\s*boundary="?([^";]+)"?$/.exec(contentType)?.[1]
  if (boundary === undefined) return undefined
  const mark = `--${boundary}`
  const second = body.indexOf(`\r\n${mark}\r\n`)
  const end = body.lastIndexOf(`\r\n${mark}--`)
  const start = body.indexOf(`${mark}\r\n`)
  if (start !== 0 || second < 0 || end <= second) return undefined
  const content = (part: Buffer): Buffer => part.subarray(part.indexOf('\r\n\r\n') + 4)
  return { metadata: content(body.subarray(0, second)).toString(), media: Buffer.from(content(body.subarray(second + mark.length + 4, end))) }
}

function list(store: StorageServer, { prefix = '', startOffset = '', maxResults = '1000', pageToken = '' }: StorageRequest['query']): Answer {
  const names = [...store.objects.keys()].filter((name) => name.startsWith(prefix) && name >= startOffset && name > pageToken).sort()
  const page = names.slice(0, Math.min(Number(maxResults), store.pageSize))
  return { status: 200, json: { kind: 'storage#objects', items: page.map((name) => ({ name })), ...(names.length > page.length ? { nextPageToken: page.at(-1) } : {}) } }
}

function one(store: StorageServer, { verb, query }: StorageRequest, name: string): Answer {
  const bytes = store.objects.get(name)
  if (bytes === undefined) return failure(404, 'notFound', `No such object: ${STORAGE_BUCKET}/${name}`)
  if (verb === 'GET' && query['alt'] === 'media') {
    const answer = { headers: { 'content-type': 'application/octet-stream', 'x-goog-stored-content-encoding': 'identity', 'x-goog-hash': `crc32c=${checksum(bytes)}` }, bytes }
    return { status: 200, media: store.distort?.(answer) ?? answer }
  }
  if (verb !== 'DELETE') return failure(405, 'methodNotAllowed')
  if (store.held.has(name)) return failure(403, 'retentionPolicyNotMet', `Object '${STORAGE_BUCKET}/${name}' is subject to bucket's retention policy and cannot be deleted or overwritten until 2030-01-01T00:00:00Z`)
  store.objects.delete(name)
  return { status: 204 }
}

function checksum(bytes: Uint8Array): string {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(referenceCrc32c(bytes))
  return four.toString('base64')
}
