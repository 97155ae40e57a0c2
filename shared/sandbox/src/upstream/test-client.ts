/** For tests: one request to the upstream with the Google host in `Host`, as the gateway sends it. */
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { SandboxUpstream } from './upstream.ts'

/** As loose as JSON.parse itself: tests look into answers of every shape. */
export type Parsed = ReturnType<typeof JSON.parse>

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** The parsed body; throws when it is no JSON. */
  json(): Parsed
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Objects are sent as JSON. */
  readonly body?: Uint8Array | object
  /** Default: the upstream's own credential. */
  readonly authorization?: string
}

/** `target` is `GET storage.googleapis.com/storage/v1/b`. */
export function callUpstream(upstream: SandboxUpstream, target: string, options: CallOptions = {}): Promise<Reply> {
  const [, method, host, path] = /^(\S+) ([^/]+)(\/.*)$/.exec(target) ?? []
  const body = options.body === undefined ? undefined : options.body instanceof Uint8Array ? options.body : Buffer.from(JSON.stringify(options.body))
  const { hostname, port } = new URL(upstream.origin)
  const headers = {
    host, authorization: options.authorization ?? `Bearer ${upstream.credential}`,
    ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    ...(options.body === undefined || options.body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json: () => JSON.parse(bytes.toString('utf8')) })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
