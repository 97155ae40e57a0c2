/** Which of an upstream's headers reach the agent. Hop-by-hop ones and whatever leads around the gateway stay here. */

const DROPPED = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'alt-svc', 'set-cookie', 'set-cookie2',
  'strict-transport-security', 'public-key-pins', 'nel', 'report-to', 'x-lockkeeper-receipt', 'x-lockkeeper-record', 'www-authenticate', 'authorization',
])
/** True only of the bytes that the upstream sent; a masked or rewritten body has others. */
const OF_THE_BODY = new Set(['content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest', 'x-goog-hash', 'etag', 'content-encoding', 'accept-ranges', 'x-goog-stored-content-length', 'x-goog-stored-content-encoding'])

export interface ResponseHead {
  readonly status: number
  /** Raw pairs for the agent. */
  readonly headers: string[]
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  /** As declared; undefined: not declared. */
  readonly contentLength: number | undefined
}

/** `bodyChanges`: the body will be masked or rewritten, so headers that describe its bytes go. Works on undici's raw pairs. */
export function readResponseHead(status: number, raw: readonly (Buffer | string)[], location: (url: string) => string): ResponseHead {
  const headers: string[] = []
  let contentType: string | undefined
  let contentEncoding: string | undefined
  let contentLength: number | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index])
    const lower = name.toLowerCase()
    if (DROPPED.has(lower)) continue
    let value = text(raw[index + 1])
    if (lower === 'content-type') contentType = value
    else if (lower === 'content-encoding') contentEncoding = value
    else if (lower === 'content-length') contentLength = Number(value)
    else if (lower === 'location' || lower === 'content-location') value = location(value)
    headers.push(name, value)
  }
  return { status, headers, contentType, contentEncoding, contentLength }
}

/** The head without what describes the upstream's own bytes. */
export function forChangedBody(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (!OF_THE_BODY.has((headers[index] as string).toLowerCase())) kept.push(headers[index] as string, headers[index + 1] as string)
  }
  return kept
}

function text(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : part?.toString('latin1') ?? ''
}
