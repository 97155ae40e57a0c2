/** One request → the method that it means, or a refusal (invariant 2: what is not understood is refused). */
import type { Method } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { LEGACY_SERVICES, normaliseHost, type ApiHost } from './hosts.ts'
import { mediaOf } from './media.ts'
import type { Media, Route } from './method-entries.ts'
import { checkPath, isPlainPath, MAX_SEGMENTS } from './path-encoding.ts'
import { checkColons, decodeValues, readParameters } from './path-values.ts'
import { readQuery } from './query-arguments.ts'
import { namedResources } from './named-resources.ts'
import { findRoutes, hasOtherVerb, type Trie } from './segment-trie.ts'
import { isMoreLiteral } from './template.ts'

export interface Request {
  readonly host: string
  readonly verb: string
  /** As received: encoded, without the query. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

export interface Match {
  readonly method: Method
  /** As received and as sent: it can be read in one way only. */
  readonly path: string
  /** What is sent, without the question mark: Discovery's names, one way of encoding, the order received. */
  readonly query: string
  /** Path parameters and query arguments, decoded. Values of a repeated argument are joined with a line feed. */
  readonly arguments: Readonly<Record<string, string>>
  /** Full resource names; empty where the request names none. */
  readonly resources: readonly string[]
  readonly media: Media
}

/** Reused by every match: matching is synchronous and lets nothing of it out. */
const scratch: string[] = new Array<string>(MAX_SEGMENTS).fill('')

/** `trieOf` throws TypeError for a service whose tables have not been loaded. */
export function matchRequest(request: Request, trieOf: (service: string) => Trie<Route>): Match | Refusal {
  const { verb, path } = request
  const where = normaliseHost(request.host)
  if (where === undefined) return refuse('METHOD_UNKNOWN', `${shown(request.host)} is no API host that the gateway knows.`)
  if (path === '/batch' || path.startsWith('/batch/')) return refuse('METHOD_UNKNOWN', 'Batch requests hide the calls inside them. Send the calls one by one.')
  const plain = isPlainPath(path)
  const malformed = plain ? undefined : checkPath(path)
  if (malformed !== undefined) return malformed
  const service = where.service === 'www' ? legacyService(path) : where.service
  if (service === undefined) return refuse('METHOD_UNKNOWN', `${where.host} has no API at this path that the gateway knows.`)
  const count = splitPath(path)
  if (count === 0) return refuse('METHOD_UNKNOWN', `No method has more than ${MAX_SEGMENTS} path segments.`)
  const trie = trieOf(service)
  const customVerb = takeCustomVerb(trie, count)
  const route = findRoute(trie, verb, customVerb, count, where)
  if (isRefusal(route)) return route
  const unclear = plain ? undefined : decodeValues(route, scratch, count)
  if (unclear !== undefined) return unclear
  const colon = plain && path.indexOf(':') < 0 ? undefined : checkColons(route, scratch, count, trie.customVerbs)
  return colon ?? understand(request, where, route, count)
}

function understand(request: Request, where: ApiHost, route: Route, count: number): Match | Refusal {
  const arguments_: Record<string, string> = {}
  readParameters(route, scratch, count, arguments_)
  const query = readQuery(request.query, { declared: route.entry.query, session: route.place === 'upload-session' }, arguments_)
  if (isRefusal(query)) return query
  const media = mediaOf(route, arguments_)
  if (typeof media !== 'string') return media
  const resources = namedResources(route, scratch, count, where.location ?? '-', arguments_)
  if (isRefusal(resources)) return resources
  return { method: route.entry.method, path: request.path, query, arguments: arguments_, resources, media }
}

/** Fills the scratch with the segments; 0: too many. */
function splitPath(path: string): number {
  let count = 0
  for (let from = 1; ;) {
    if (count === MAX_SEGMENTS) return 0
    const to = path.indexOf('/', from)
    scratch[count++] = to < 0 ? path.slice(from) : path.slice(from, to)
    if (to < 0) return count
    from = to + 1
  }
}

/** Cuts a known custom verb off the last segment. */
function takeCustomVerb(trie: Trie<Route>, count: number): string {
  const last = scratch[count - 1] ?? ''
  const colon = last.lastIndexOf(':')
  if (colon < 1) return ''
  const suffix = last.slice(colon + 1)
  if (!trie.customVerbs.has(suffix)) return ''
  scratch[count - 1] = last.slice(0, colon)
  return suffix
}

function findRoute(trie: Trie<Route>, verb: string, customVerb: string, count: number, where: ApiHost): Route | Refusal {
  const found: Route[] = []
  findRoutes(trie.root, verb, customVerb, scratch, count, 0, found)
  const first = found[0]
  if (first === undefined) return unknownMethod(trie, customVerb, count, where)
  if (found.length === 1) return first
  return found.find((route) => found.every((other) => other === route || isMoreLiteral(route.template, other.template)))
    ?? refuse('REQUEST_AMBIGUOUS', `The path can mean ${found.map((route) => route.entry.method.id).join(' or ')}.`)
}

function unknownMethod(trie: Trie<Route>, customVerb: string, count: number, where: ApiHost): Refusal {
  if (hasOtherVerb(trie, customVerb, scratch, count)) return refuse('METHOD_UNKNOWN', `${where.host} has no method with this HTTP verb at this path.`)
  const hint = where.service === 'storage' ? ' Only the JSON API is understood, and the object name is one segment with its slashes encoded as %2F.' : ''
  return refuse('METHOD_UNKNOWN', `${where.host} has no method at this path that the gateway knows.${hint}`)
}

function legacyService(path: string): string | undefined {
  const [, service] = /^\/(?:upload\/|resumable\/upload\/|download\/)?([a-z]+)\//.exec(path) ?? []
  return service !== undefined && LEGACY_SERVICES.has(service) ? service : undefined
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
