/** The request as it goes upstream: the judged path, arguments, headers and bytes, with the gateway's credential and record id. */
import type { Readable } from 'node:stream'
import { invite } from '../body/collect-body.ts'
import type { Passage, Witnesses } from '../passage.ts'

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  readonly headers: string[]
  readonly body: Uint8Array | Readable | null
}

export function buildUpstreamRequest(passage: Passage & Pick<Witnesses, 'classified' | 'decided' | 'credential' | 'intent'>): UpstreamRequest {
  const { call, headers: { forward }, stream, contentType, session } = passage.classified
  const { obligations } = passage.decided.decision
  const masked = obligations.mask.detectors.length > 0 || obligations.mask.fields.length > 0
  const headers: string[] = ['Host', call.host]
  for (let index = 0; index < forward.length; index += 2) {
    const name = forward[index] as string
    const lower = name.toLowerCase()
    // What is masked must be inspected whole: no ranges, no "not modified", no encoding.
    if (masked && (lower === 'range' || lower === 'if-range' || lower === 'if-none-match' || lower === 'if-modified-since' || lower === 'accept-encoding')) continue
    if (lower === 'content-type' && (contentType !== undefined || call.body.kind === 'none')) continue
    headers.push(name, forward[index + 1] as string)
  }
  if (masked) headers.push('Accept-Encoding', 'identity')
  if (contentType !== undefined) headers.push('Content-Type', contentType)
  if (passage.credential.authorization !== undefined) headers.push('Authorization', passage.credential.authorization)
  // The record's id lands in Google's own audit log (google.rpc.context.AttributeContext.request.reason).
  headers.push('X-Goog-Request-Reason', `lockkeeper/${passage.intent.id}`)
  const path = session?.upstreamPath ?? call.path
  const query = session?.upstreamQuery ?? call.query
  return { method: passage.request.method ?? call.method.verb, path: query === '' ? path : `${path}?${query}`, headers, body: bodyOf(passage, stream, contentType, headers) }
}

function bodyOf({ request, response, classified: { call } }: Passage & Pick<Witnesses, 'classified'>, stream: Readable | undefined, contentType: string | undefined, headers: string[]): Uint8Array | Readable | null {
  if (stream !== undefined) {
    invite(request, response)
    const length = request.headers['content-length']
    // A multipart upload was framed anew and has another length; everything else keeps its own.
    if (contentType === undefined && length !== undefined) headers.push('Content-Length', length)
    return stream
  }
  if (call.body.kind === 'json') return call.body.bytes
  return null
}
