/** Where a request wants to go, by the door it came through. A door that does not know the request declines; it does not deny. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Arrival } from '../passage.ts'

export interface DoorSettings {
  /** `https://GATEWAY/<host>/<path>`. */
  readonly path: boolean
  /** `https://<service>.DOMAIN/<path>`. */
  readonly domain?: string
}

/** A request for the gateway itself, not for an upstream. */
export interface OwnRequest { readonly own: true, readonly path: string }

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/
const AUTHORITY = /^[\w.-]+(?::\d{1,5})?$|^\[[\da-f:]+\](?::\d{1,5})?$/i

/** Clients that drop a path prefix still name their API in the path (gcloud's media paths, bq's discovery). */
const ROOTS: readonly (readonly [prefix: string, host: string])[] = [
  ['/storage/v1/', 'storage.googleapis.com'], ['/upload/storage/', 'storage.googleapis.com'], ['/resumable/upload/storage/', 'storage.googleapis.com'],
  ['/download/storage/', 'storage.googleapis.com'], ['/batch/storage/', 'storage.googleapis.com'],
  ['/bigquery/v2/', 'bigquery.googleapis.com'], ['/upload/bigquery/', 'bigquery.googleapis.com'], ['/resumable/upload/bigquery/', 'bigquery.googleapis.com'], ['/batch/bigquery/', 'bigquery.googleapis.com'],
  ['/compute/v1/', 'compute.googleapis.com'], ['/batch/compute/', 'compute.googleapis.com'],
]

/** `connected`: the host of the CONNECT under which the request came, at the forward door. */
export function arrive(request: IncomingMessage, connected: string | undefined, doors: DoorSettings): Arrival | OwnRequest | Refusal {
  const url = request.url ?? ''
  if (!url.startsWith('/')) return refuse('REQUEST_INVALID', 'Plain http through a proxy is not forwarded, and no other form of address is known. Nothing was sent; use https.')
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = mark === -1 ? '' : url.slice(mark + 1)
  if (connected !== undefined) return atForwardDoor(request, connected, path, query)
  const authority = (request.headers.host ?? '').toLowerCase()
  if (!AUTHORITY.test(authority)) return refuse('REQUEST_INVALID', 'The Host header is missing or malformed. Nothing was sent.')
  const scheme = (request.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  if (doors.domain !== undefined) {
    const found = atDomainDoor(authority, scheme, doors.domain, path, query)
    if (found !== undefined) return found
  }
  const found = doors.path ? atPathDoor(authority, scheme, path, query) : undefined
  return found ?? atGateway(path)
}

const OWN_PATHS: ReadonlySet<string> = new Set(['/v1/token', '/v1/introspect', '/healthz', '/readyz'])

function atGateway(path: string): OwnRequest | Refusal {
  if (OWN_PATHS.has(path)) return { own: true, path }
  return refuse('NOT_FOUND', 'This is the Lockkeeper gateway, and it has nothing at this address. Google APIs stand under /<host>/<path> with the host in lower case, through HTTPS_PROXY, or under the configured domain.')
}

function atForwardDoor({ headers }: IncomingMessage, connected: string, path: string, query: string): Arrival | Refusal {
  const host = (headers.host ?? '').toLowerCase().replace(/:443$/, '')
  // Another Host inside the tunnel would be judged as one API and could be read as another.
  if (host !== connected) return refuse('REQUEST_AMBIGUOUS', { message: 'The Host header differs from the host of the tunnel. Nothing was sent.', metadata: { tunnel: connected } })
  return { door: 'forward', host: connected, path, query, origin: () => '' }
}

function atDomainDoor(authority: string, scheme: string, domain: string, path: string, query: string): Arrival | OwnRequest | Refusal | undefined {
  const [name = '', port] = authority.split(':')
  if (!name.endsWith(`.${domain}`)) return undefined
  const service = name.slice(0, -domain.length - 1)
  if (service === 'sts') return atGateway(path)
  const suffix = port === undefined ? '' : `:${port}`
  const origin = (host: string): string => host.endsWith('.googleapis.com') ? `${scheme}://${host.slice(0, -'.googleapis.com'.length)}.${domain}${suffix}` : ''
  return { door: 'domain', host: `${service}.googleapis.com`, path, query, origin }
}

function atPathDoor(authority: string, scheme: string, path: string, query: string): Arrival | undefined {
  const end = path.indexOf('/', 1)
  const origin = (host: string): string => `${scheme}://${authority}/${host}`
  if (end !== -1) {
    const first = path.slice(1, end)
    if (HOST.test(first)) return { door: 'path', host: first, path: path.slice(end), query, origin }
  }
  for (const [prefix, host] of ROOTS) if (path.startsWith(prefix)) return { door: 'path', host, path, query, origin }
  return undefined
}
