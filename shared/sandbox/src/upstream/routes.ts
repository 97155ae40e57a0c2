/** How a request finds its handler: by Google host first, then by verb and path template. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorStyle } from './google-error.ts'
import type { Fields } from './json-body.ts'

export interface Exchange {
  readonly verb: string
  /** The Google host that was meant, or undefined when the request names the sandbox's own address. */
  readonly host: string | undefined
  /** Where a client can come back to: `https://storage.googleapis.com`, or the sandbox's own origin without a Google host. */
  readonly returnOrigin: string
  /** Raw path without query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Path parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Buffer
  /** False when the client went away before its body was complete; only resumable uploads make use of such a body. */
  readonly complete: boolean
  json(): Fields
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Exactly one of the two, or neither for an empty answer. */
  readonly json?: unknown
  readonly bytes?: Uint8Array
}

type Handler = (exchange: Exchange) => Answer | Promise<Answer>

export interface Route {
  readonly verb: string
  /** `/storage/v1/b/{bucket}/o/{object}`; a parameter takes one raw segment. */
  readonly template: string
  readonly handle: Handler
}

export interface Api {
  readonly name: string
  readonly hosts: readonly string[]
  readonly style: ErrorStyle
  readonly routes: readonly Route[]
}

interface CompiledRoute { readonly api: Api, readonly route: Route, readonly pattern: RegExp, readonly names: readonly string[] }

export interface Matched { readonly api: Api, readonly handle: Handler, readonly params: Readonly<Record<string, string>> }

export interface Router {
  /** The API of a host, for the style of its errors. */
  apiOf(host: string | undefined): Api | undefined
  /** Undefined: no such method. A path that cannot be decoded matches nothing. */
  match(host: string | undefined, verb: string, path: string): Matched | undefined
}

/** `us-central1-run.googleapis.com` is Cloud Run in a region. */
const REGION = /^[a-z]+-[a-z]+\d+-/

export function createRouter(apis: readonly Api[]): Router {
  const compiled = apis.flatMap((api) => api.routes.map((route) => compileRoute(api, route)))
  const serves = (api: Api, host: string): boolean => api.hosts.includes(host) || api.hosts.includes(host.replace(REGION, ''))
  return {
    apiOf: (host) => host === undefined ? undefined : apis.find((api) => serves(api, host)),
    match(host, verb, path) {
      for (const { api, route, pattern, names } of compiled) {
        if (route.verb !== verb || (host !== undefined && !serves(api, host))) continue
        const found = pattern.exec(path)
        const params = found === null ? undefined : decodeParams(names, found)
        if (params !== undefined) return { api, handle: route.handle, params }
      }
      return undefined
    },
  }
}

function compileRoute(api: Api, route: Route): CompiledRoute {
  const names: string[] = []
  const source = route.template.split(/(\{\w+\})/).map((part) => {
    if (!part.startsWith('{')) return part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
    names.push(part.slice(1, -1))
    return '([^/]+)'
  }).join('')
  return { api, route, pattern: new RegExp(`^${source}$`), names }
}

function decodeParams(names: readonly string[], found: RegExpExecArray): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    try {
      params[name] = decodeURIComponent(found[index + 1] ?? '')
    } catch {
      // A malformed percent sequence names nothing: the caller answers "not found", as Google's front end does.
      return undefined
    }
  }
  return params
}
