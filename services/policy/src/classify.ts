/** What a curl line means, by the catalog: the same matching and the same strict body as at the doors. */
import { iamChange, normaliseHost, policyArguments, resourcesWithBody, type Catalog, type Match } from '@lockkeeper/catalog'
import type { Call, CallBody, Method } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, serialise, type JsonObject } from '@lockkeeper/domain/json'
import { HTTP_METHODS } from '@lockkeeper/policy-engine'
import type { CurlRequest } from './curl-line.ts'

export type Classify = (request: CurlRequest) => Call | Refusal

/** The catalog must be loaded. `https://GATEWAY/<host>/<path>` is read as the path door reads it. */
export function createClassify(catalog: Catalog): Classify {
  return (request) => {
    const { host, path } = throughPathDoor(request)
    if (normaliseHost(host) === undefined) return plainHttp({ ...request, host, path })
    const match = catalog.match({ host, verb: request.verb, path, query: request.query })
    if (isRefusal(match)) return match
    const body = bodyOf(request, (value) => catalog.checkBody(match.method, value))
    if (isRefusal(body)) return body
    const told = toldByBody(match, request.headers['x-goog-user-project'], body)
    return isRefusal(told) ? told : { target: 'google', method: match.method, host, path: match.path, query: match.query, media: match.media, body, ...told, ...iamOf(match.method, body) }
  }
}

/** Resources and arguments of a call whose body is known, as policies see them. */
export function toldByBody(match: Pick<Match, 'method' | 'resources' | 'arguments'>, userProject: string | undefined, body: CallBody): Pick<Call, 'resources' | 'arguments'> | Refusal {
  const json = body.kind === 'json' ? body.value : undefined
  const resources = json === undefined ? match.resources : resourcesWithBody(match, json)
  return isRefusal(resources) ? resources : { resources, arguments: policyArguments(match, userProject, json) }
}

function throughPathDoor({ host, path }: CurlRequest): { readonly host: string, readonly path: string } {
  const [, inner, rest] = /^\/([a-z0-9.-]+\.[a-z]+)(\/.*)$/.exec(path) ?? []
  return normaliseHost(host) === undefined && inner !== undefined && rest !== undefined ? { host: inner, path: rest } : { host, path }
}

function plainHttp(request: CurlRequest): Call | Refusal {
  const method = HTTP_METHODS.find(({ verb }) => verb === request.verb)
  if (method === undefined) return refuse('METHOD_UNKNOWN', `The verb ${request.verb.slice(0, 16)} is not known.`)
  const body = bodyOf(request, (value) => value)
  if (isRefusal(body)) return body
  const { host, path, query } = request
  return { target: host, method: { ...method, host }, host, path, query, resources: [`//${host}${path}`], arguments: Object.fromEntries(new URLSearchParams(query)), media: 'none', body }
}

function bodyOf({ body }: CurlRequest, check: (value: JsonObject) => JsonObject | Refusal): CallBody | Refusal {
  if (body === undefined) return { kind: 'none' }
  const parsed = parseStrict(body)
  if (isRefusal(parsed)) return parsed
  if (!isJsonObject(parsed)) return refuse('REQUEST_INVALID', 'The body is no JSON object.')
  const checked = check(parsed)
  return isRefusal(checked) ? checked : jsonBody(checked)
}

export function jsonBody(value: JsonObject): CallBody {
  return { kind: 'json', value, bytes: new TextEncoder().encode(serialise(value)) }
}

/** In test cases nothing is in force before the change, so all that is sent is added. */
export function iamOf(method: Method, body: CallBody): Pick<Call, 'iam'> {
  return method.id.endsWith('.setIamPolicy') && body.kind === 'json' ? { iam: iamChange(body.value, {}) } : {}
}
