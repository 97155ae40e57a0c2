/** What is meant: target, method, resources, arguments, body. What is not understood is refused (invariant 2). */
import type { Call, CallBody } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, serialise, type JsonObject } from '@lockkeeper/domain/json'
import { iamChange, policyArguments, resourcesWithBody, type Match } from '@lockkeeper/catalog'
import { containsMarker } from '@lockkeeper/masking'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { collectBody, hasBody, invite } from '../body/collect-body.ts'
import { frameMultipart, readMultipart } from '../body/multipart-related.ts'
import { restoreUrls } from '../exchange/gateway-urls.ts'
import { readRequestHeaders, type RequestHeaders } from '../exchange/request-headers.ts'
import { checkHttpPath, httpMethod, readQuery } from '../http-method.ts'
import { tokenInBody } from '../own-token.ts'
import type { Parts } from '../parts.ts'
import type { Arrival, Classified, Passage, SessionUse, Witnesses } from '../passage.ts'
import { recordedResources } from '../recorded-resources.ts'
import { refreshed } from '../refreshed-view.ts'
import type { Target } from '../targets.ts'

type Needs = Passage & Pick<Witnesses, 'verified'> & Partial<Pick<Witnesses, 'classified'>>

/** What is sent upstream as the body. */
interface Sent { readonly body: CallBody, readonly stream?: Readable, readonly contentType?: string }

export function classifyCall(passage: Needs, parts: Parts): Classified | Refusal | Promise<Classified | Refusal> {
  if (parts.targets.age() <= parts.settings.staleAfterMs) return classify(passage, parts)
  return refreshed(parts.targets).then((failed) => parts.targets.age() <= parts.settings.staleAfterMs ? classify(passage, parts) : { ...STALE, ...failed })
}

const STALE = refuse('POLICY_STALE', 'The gateway has lost sight of its targets, so it refuses. Nothing was sent; try again in a moment.')

function classify(passage: Needs, parts: Parts): Classified | Refusal | Promise<Classified | Refusal> {
  const { arrival, request } = passage
  // The bytes of a released hold are the bytes that were read: reading them again could not differ. Its target may be another one.
  if (passage.classified !== undefined) return sameTarget(passage.unbound ?? passage.classified, arrival, parts)
  const target = parts.targets.find(arrival.host)
  if (target === undefined) return refuse('TARGET_UNKNOWN', { message: `The host ${arrival.host.slice(0, 253)} is no registered target. Nothing was sent.`, metadata: { host: arrival.host.slice(0, 253) } })
  passage.facts.target = target.name
  const headers = readRequestHeaders(request.rawHeaders, target.kind)
  if (isRefusal(headers)) return headers
  const match = target.kind === 'google' ? parts.catalog.match({ host: arrival.host, verb: request.method ?? '', path: arrival.path, query: arrival.query }) : matchHttp(passage)
  if (isRefusal(match)) return match
  const { facts } = passage
  facts.method = match.method.id
  facts.risk = match.method.risk
  facts.change = match.method.change
  const session = match.media === 'upload-resumable' ? openSession(passage, target, match, parts) : undefined
  if (isRefusal(session)) return session
  facts.resources = recordedResources(session?.resources ?? match.resources)
  const sent = readBody(passage, match, session, parts)
  return sent instanceof Promise
    ? sent.then((late) => isRefusal(late) ? late : classified(passage, target, match, headers, late, session))
    : isRefusal(sent) ? sent : classified(passage, target, match, headers, sent, session)
}

/** Targets can change while a call is held: what was shown was to go to the target as it was. */
function sameTarget(classified: Classified, { host }: Arrival, { targets }: Parts): Classified | Refusal {
  const { target } = classified
  if (targets.find(host) === target) return classified
  return refuse('STATE_CHANGED', { message: `Target ${target.name} was changed or removed while the call waited. Nothing was sent; send the call again.`, metadata: { target: target.name } })
}

function matchHttp({ arrival, request }: Passage): Match | Refusal {
  const method = httpMethod(arrival.host, request.method ?? '')
  if (isRefusal(method)) return method
  const wrong = checkHttpPath(arrival.path)
  if (wrong !== undefined) return wrong
  const found = readQuery(arrival.query)
  if (found === undefined) return refuse('REQUEST_AMBIGUOUS', 'A query argument stands twice or does not decode. Nothing was sent.')
  return { method, path: arrival.path, query: arrival.query, arguments: found, resources: [`//${arrival.host}${arrival.path}`], media: 'none' }
}

function openSession({ verified, request, arrival }: Needs, target: Target, match: Match, { sessions }: Parts): (SessionUse & { readonly resources: readonly string[] }) | Refusal | undefined {
  const id = match.arguments['upload_id']
  if (id === undefined) return undefined
  if (request.method !== 'PUT' && request.method !== 'DELETE') return refuse('METHOD_UNKNOWN', { message: 'An upload session takes PUT and DELETE only. Nothing was sent.' })
  const session = sessions.open(id, verified.agent, target.name, { host: arrival.host, method: match.method.id })
  if (isRefusal(session)) return session
  if (session.size !== undefined && !fitsSize(request, session.size)) {
    return refuse('REQUEST_INVALID', { message: `The upload was begun with ${session.size} bytes, and this part says otherwise. Nothing of it was sent; start the upload again with its real size.`, metadata: { size: String(session.size) } })
  }
  return { resources: session.resources, decisionHash: session.decisionHash, upstreamPath: session.path, upstreamQuery: session.query, ...(session.approval === undefined ? {} : { approval: session.approval }) }
}

/** What was approved with a size ends at that size: neither the total nor a part may be larger (RFC 9110 section 14.4). */
function fitsSize({ headers }: IncomingMessage, size: number): boolean {
  if (Number(headers['content-length'] ?? 0) > size) return false
  const [, last, total] = /^bytes (?:\d+-(\d+|\*)|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
  if (last !== undefined && last !== '*' && Number(last) >= size) return false
  return total === undefined || total === '*' || Number(total) === size
}

function classified(passage: Needs, target: Target, match: Match, headers: RequestHeaders, sent: Sent, session: (SessionUse & { readonly resources: readonly string[] }) | undefined): Classified | Refusal {
  const { body } = sent
  const json = body.kind === 'json' ? body.value : body.kind === 'media' ? body.metadata : undefined
  const marker = markerIn(match) ?? (json === undefined ? undefined : containsMarker(json))
  if (marker !== undefined) return maskedValue(marker)
  const token = json === undefined ? undefined : tokenInBody(passage.request, body.kind === 'json' ? body.bytes : serialise(json))
  if (token !== undefined) return token
  const resources = session?.resources ?? (json === undefined || match.method.api === 'http' ? match.resources : resourcesWithBody(match, json))
  if (isRefusal(resources)) return resources
  passage.facts.resources = recordedResources(resources)
  const call: Call = {
    target: target.name, method: match.method, host: passage.arrival.host, path: match.path, query: match.query, resources,
    arguments: policyArguments(match, headers.meaningful['x-goog-user-project'], json), body, media: match.media,
    ...(json !== undefined && match.method.id.endsWith('.setIamPolicy') ? { iam: iamChange(json) } : {}),
  }
  return { call, target, headers, stream: sent.stream, contentType: sent.contentType, session } as Classified
}

/** A marker's brackets stand in a path or query as they are or percent-encoded; most calls have neither. */
function markerIn({ path, query, arguments: sent }: Match): string | undefined {
  return path.includes('%') || query.includes('%') || path.includes('[') || query.includes('[') ? containsMarker(Object.values(sent)) : undefined
}

/** Writing a marker back would destroy the value that it stands for (invariant 9). */
function maskedValue(marker: string): Refusal {
  return refuse('MASKED_VALUE_WRITTEN', {
    message: `The request holds ${marker.slice(0, 60)}, which stands for a value that was masked for you. Writing it back would destroy the value, so nothing was sent. Leave the field out, or send its real value.`,
    metadata: { marker: marker.slice(0, 60) },
  })
}

function readBody(passage: Needs, match: Match, session: SessionUse | undefined, parts: Parts): Sent | Refusal | Promise<Sent | Refusal> {
  const { request, response } = passage
  const carries = hasBody(request)
  if (session !== undefined) return { body: media(passage), stream: carries ? mediaStream(passage) : undefined }
  if (!carries) return { body: { kind: 'none' } }
  if (request.method === 'GET' || request.method === 'HEAD') return refuse('REQUEST_AMBIGUOUS', 'A GET request carries a body. Nothing was sent; send it without one.')
  if (match.media === 'upload-simple') return { body: media(passage), stream: mediaStream(passage) }
  if (match.media === 'upload-multipart') return readUpload(passage, match, parts)
  const type = request.headers['content-type'] ?? ''
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(type)
  if (match.method.api === 'http' && !isJson) return { body: media(passage), stream: mediaStream(passage) }
  if (type !== '' && !isJson) return refuse('REQUEST_AMBIGUOUS', { message: `The body must be JSON; its Content-Type is ${type.slice(0, 60)}. Nothing was sent.` })
  if (!isIdentity(request.headers['content-encoding'])) return refuse('REQUEST_AMBIGUOUS', 'The JSON body is compressed. Nothing was sent; send it as it is.')
  return collectBody(request, response, parts.settings.limits.inspectBody).then((bytes) => {
    if (isRefusal(bytes)) return bytes
    passage.requestBytes = bytes.length
    return readJson(bytes, match, passage.arrival, parts)
  })
}

function isIdentity(encoding: string | undefined): boolean {
  return encoding === undefined || encoding.toLowerCase() === 'identity'
}

/** Parsed once, fields checked, written anew: these bytes are judged, digested and sent. */
function readJson(bytes: Uint8Array, match: Match, arrival: Arrival, { catalog }: Parts): Sent | Refusal {
  if (bytes.length === 0) return { body: { kind: 'none' } }
  const parsed = parseStrict(bytes)
  if (isRefusal(parsed)) return parsed
  if (!isJsonObject(parsed)) return refuse('REQUEST_INVALID', 'The JSON body is no object. Nothing was sent.')
  const value = match.method.api === 'http' ? parsed : catalog.checkBody(match.method, restoreUrls(parsed, arrival))
  if (isRefusal(value)) return value
  return { body: { kind: 'json', value, bytes: Buffer.from(serialise(value)) } }
}

async function readUpload(passage: Needs, match: Match, { settings, catalog }: Parts): Promise<Sent | Refusal> {
  const { request, response } = passage
  invite(request, response)
  const upload = await readMultipart(request, request.headers['content-type'] ?? '', settings.limits.collectBody)
  if (isRefusal(upload)) return upload
  const parsed = parseStrict(upload.metadata)
  if (isRefusal(parsed)) return parsed
  if (!isJsonObject(parsed)) return refuse('REQUEST_INVALID', 'The JSON part of the upload is no object. Nothing was sent.')
  const metadata: JsonObject | Refusal = catalog.checkBody(match.method, restoreUrls(parsed, passage.arrival))
  if (isRefusal(metadata)) return metadata
  const framed = frameMultipart(Buffer.from(serialise(metadata)), upload.mediaType, upload.media)
  return { body: { ...media(passage), contentType: upload.mediaType, metadata }, stream: framed.body, contentType: framed.contentType }
}

function media({ request }: Passage): Extract<CallBody, { kind: 'media' }> {
  const size = request.headers['content-length']
  const checksum = request.headers['x-goog-hash'] ?? request.headers['content-md5']
  return {
    kind: 'media', contentType: request.headers['content-type'] ?? 'application/octet-stream',
    ...(size === undefined ? {} : { size: Number(size) }), ...(typeof checksum === 'string' ? { checksum } : {}),
  }
}

/** The request itself: its bytes go upstream as they come. The client is told to begin when the upstream asks for them. */
function mediaStream({ request }: Passage): Readable {
  return request
}
