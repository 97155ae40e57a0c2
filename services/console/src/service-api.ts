/** How the console asks the other services: their HTTP APIs, over a socket of this machine or over TLS with an ID token. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { PortUnavailable } from '@lockkeeper/domain/ports'

export interface ServiceRequest {
  readonly method: 'GET' | 'POST'
  /** Path and query, escaped. */
  readonly path: string
  readonly body?: unknown
}

/** What the service said, whatever its status; `body` is parsed JSON. */
export interface ServiceAnswer { readonly status: number, readonly body: unknown }

export interface ServiceApi {
  /** Rejects with PortUnavailable when nothing answers in time, or nothing that is JSON of a bearable size. */
  call(request: ServiceRequest): Promise<ServiceAnswer>
}

export type ServicePlace =
  /** A socket that only this user can open: the embedded edition. */
  | { readonly socketPath: string }
  /** `authorization` gives the whole header, anew for each request; it goes to this origin and no other. */
  | { readonly origin: string, readonly authorization: () => Promise<string> }

const MOST_BYTES = 16 * 1024 * 1024
const WITHIN_MS = 15_000

export function createServiceApi(place: ServicePlace): ServiceApi {
  return {
    async call({ method, path, body }) {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = { accept: 'application/json', ...text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) } }
      const { promise, resolve, reject } = Promise.withResolvers<ServiceAnswer>()
      const sent = await open(place, { method, path, headers, timeout: WITHIN_MS, signal: AbortSignal.timeout(WITHIN_MS) }, (response) => {
        read(response).then(resolve, reject)
      })
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')))
      sent.once('error', (cause) => reject(new PortUnavailable('a service does not answer', { cause })))
      sent.end(text)
      return promise
    },
  }
}

async function open(place: ServicePlace, options: RequestOptions, onResponse: (response: IncomingMessage) => void) {
  if ('socketPath' in place) return httpRequest({ ...options, socketPath: place.socketPath, headers: { ...options.headers as object, host: 'console' } }, onResponse)
  const url = new URL(place.origin)
  // Cloud Run's own check takes the signature off the one that it reads.
  const authorization = await place.authorization()
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return send({ ...options, hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, headers: { ...options.headers as object, authorization, 'x-serverless-authorization': authorization } }, onResponse)
}

async function read(response: IncomingMessage): Promise<ServiceAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MOST_BYTES) throw new Error(`the answer is over ${MOST_BYTES} bytes`)
      chunks.push(chunk)
    }
    return { status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown }
  } catch (cause) {
    response.destroy()
    throw new PortUnavailable('a service\'s answer cannot be read', { cause })
  }
}

/** A query without the members that are undefined. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}
