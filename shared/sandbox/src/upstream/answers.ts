/** Writing answers: JSON with partial responses and gzip, media as it is, and the faults that touch an answer. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { waitForRelease } from './faults.ts'
import type { ArmedFault } from './faults.ts'
import { errorBody } from './google-error.ts'
import type { ErrorStyle, GoogleError } from './google-error.ts'
import { selectFields } from './partial-response.ts'
import type { Answer } from './routes.ts'

const JSON_TYPE = 'application/json; charset=UTF-8'
/** Google leaves small answers uncompressed; so does the sandbox. */
const GZIP_FROM_BYTES = 512

const gzipped = promisify(gzip)

export function sendError(response: ServerResponse, error: GoogleError, style: ErrorStyle): void {
  if (response.headersSent || response.destroyed) return
  const body = error.code === 304 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(errorBody(error, style), undefined, 2))
  const headers = { ...(body.length === 0 ? {} : { 'content-type': JSON_TYPE, 'content-length': String(body.length) }), 'cache-control': 'private', ...error.headers }
  response.writeHead(error.code, headers).end(body)
}

export async function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer, query: URLSearchParams, fault: ArmedFault | undefined): Promise<void> {
  const { bytes, headers } = await encode(request, answer, query)
  if (fault?.spec.kind === 'reset-after') {
    response.destroy()
    return
  }
  if (fault?.spec.kind === 'slow-header') await waitForRelease(fault, response)
  if (response.destroyed) return
  response.writeHead(answer.status ?? 200, headers)
  if (fault?.spec.kind === 'slow-body' || fault?.spec.kind === 'reset-body') await sendHalf(response, bytes, fault)
  else response.end(bytes)
}

async function sendHalf(response: ServerResponse, bytes: Uint8Array, fault: ArmedFault): Promise<void> {
  const half = Math.ceil(bytes.length / 2)
  if (!response.write(bytes.subarray(0, half))) await Promise.race([once(response, 'drain'), once(response, 'close')])
  if (fault.spec.kind === 'reset-body') {
    response.destroy()
    return
  }
  await waitForRelease(fault, response)
  response.end(bytes.subarray(half))
}

async function encode(request: IncomingMessage, answer: Answer, query: URLSearchParams): Promise<{ readonly bytes: Uint8Array, readonly headers: Record<string, string> }> {
  const headers: Record<string, string> = { ...answer.headers }
  if (answer.json === undefined) {
    const bytes = answer.bytes ?? new Uint8Array()
    if (answer.status !== 204) headers['content-length'] = String(bytes.length)
    return { bytes, headers }
  }
  const fields = query.get('fields') ?? query.get('$fields')
  const document = fields === null || fields === '' ? answer.json : selectFields(answer.json, fields)
  let bytes: Uint8Array = Buffer.from(JSON.stringify(document, undefined, query.get('prettyPrint') === 'false' ? undefined : 2))
  headers['content-type'] = JSON_TYPE
  headers['vary'] = 'Origin, X-Origin, Accept-Encoding'
  if (bytes.length >= GZIP_FROM_BYTES && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    bytes = await gzipped(bytes)
    headers['content-encoding'] = 'gzip'
  }
  headers['content-length'] = String(bytes.length)
  return { bytes, headers }
}
