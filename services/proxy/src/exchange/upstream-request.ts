/** The request as it goes upstream: the judged path, arguments, headers and bytes, with the gateway's credential and record id. */
import type { Readable } from 'node:stream'
import { invite } from '../body/collect-body.ts'
import { refuseMarkers } from '../body/refuse-markers.ts'
import type { Passage, Witnesses } from '../passage.ts'
import { mustSeeContent } from './plan-answer.ts'

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  readonly headers: string[]
  readonly body: Uint8Array | Readable | null
}

type Complete = Passage & Pick<Witnesses, 'classified' | 'decided' | 'credential' | 'intent'>

/** What is masked must be inspected whole: no ranges, no "not modified". */
const PARTIAL = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since'])

export function buildUpstreamRequest(passage: Complete): UpstreamRequest {
  const { call, headers: { forward }, stream, contentType, session } = passage.classified
  const { mask } = passage.decided.decision.obligations
  const masked = mask.detectors.length > 0 || mask.fields.length > 0
  const plain = mustSeeContent(passage)
  const headers: string[] = ['Host', call.host]
  for (let index = 0; index < forward.length; index += 2) {
    const name = forward[index] as string
    const lower = name.toLowerCase()
    if ((masked && PARTIAL.has(lower)) || (plain && lower === 'accept-encoding')) continue
    if (lower === 'content-type' && (contentType !== undefined || call.body.kind === 'none')) continue
    headers.push(name, forward[index + 1] as string)
  }
  if (plain) headers.push('Accept-Encoding', 'identity')
  if (contentType !== undefined) headers.push('Content-Type', contentType)
  if (passage.credential.authorization !== undefined) headers.push('Authorization', passage.credential.authorization)
  // The record's id, or the name by which its record will be found, lands in Google's own audit log (google.rpc.context.AttributeContext.request.reason).
  headers.push('X-Goog-Request-Reason', `lockkeeper/${passage.intent.reference}`)
  const path = session?.upstreamPath ?? call.path
  const query = session?.upstreamQuery ?? call.query
  return { method: passage.request.method ?? call.method.verb, path: query === '' ? path : `${path}?${query}`, headers, body: bodyOf(passage, stream, contentType, headers) }
}

function bodyOf(passage: Complete, stream: Readable | undefined, contentType: string | undefined, headers: string[]): Uint8Array | Readable | null {
  const { request, response, classified: { call } } = passage
  if (stream === undefined) return call.body.kind === 'json' ? call.body.bytes : null
  invite(request, response)
  const length = request.headers['content-length']
  // A multipart upload was framed anew and has another length; everything else keeps its own.
  if (contentType === undefined && length !== undefined) headers.push('Content-Length', length)
  passage.requestBytes = 0
  // The request itself is not handed over: whoever destroys it cuts the socket that the answer has to go back on.
  return refuseMarkers(stream, (count) => { passage.requestBytes += count })
}
