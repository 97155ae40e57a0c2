/** Which of an upstream's headers reach the agent. Hop-by-hop ones and whatever leads around the gateway stay here. */
import { LockkeeperError } from '@lockkeeper/domain/errors'

const DROPPED = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authentication-info', 'authentication-info', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'alt-svc', 'set-cookie', 'set-cookie2',
  'strict-transport-security', 'public-key-pins', 'nel', 'report-to', 'clear-site-data', 'refresh', 'www-authenticate', 'authorization',
  // Orders to a proxy in front of the gateway.
  'x-accel-redirect', 'x-sendfile', 'x-accel-buffering',
  // Sessions of the upstream's own: whoever knows one needs no credential.
  'x-guploader-uploadid', 'x-goog-upload-url', 'x-goog-upload-control-url',
])
/** The gateway's own names are its own. */
const OWN_PREFIX = 'x-lockkeeper-'
/** True only of the bytes that the upstream sent; a masked or rewritten body has others. */
const OF_THE_BODY = new Set(['content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest', 'x-goog-hash', 'etag', 'content-encoding', 'accept-ranges', 'x-goog-stored-content-length', 'x-goog-stored-content-encoding'])
/** Say what the body is: without them it would be read as something else than it was judged as. */
const MEANINGFUL = new Set(['content-type', 'content-encoding', 'content-length', 'content-range', 'location', 'etag'])

export interface ResponseHead {
  readonly status: number
  /** Raw pairs for the agent. */
  readonly headers: string[]
  readonly contentType: string | undefined
  /** As declared, in lower case; several are joined with commas. Undefined: identity. */
  readonly contentEncoding: string | undefined
  /** As declared; undefined: not declared. */
  readonly contentLength: number | undefined
}

/**
 * The head for the agent, from undici's raw pairs. `location` turns a URL into the gateway's own; undefined leaves the header out.
 * Throws UPSTREAM_INVALID for a header with meaning that stands twice or is declared to be hop by hop.
 */
export function readResponseHead(status: number, raw: readonly (Buffer | string)[], location: (url: string) => string | undefined): ResponseHead {
  const listed = connectionListed(raw)
  const headers: string[] = []
  const seen = new Map<string, string>()
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index])
    const lower = name.toLowerCase()
    if (DROPPED.has(lower) || lower.startsWith(OWN_PREFIX)) continue
    const value = text(raw[index + 1])
    if (MEANINGFUL.has(lower)) note(seen, lower, value, listed)
    if (listed?.has(lower) === true) continue
    const own = lower === 'location' || lower === 'content-location' ? location(value) : value
    if (own !== undefined) headers.push(name, own)
  }
  const encoding = seen.get('content-encoding')?.trim().toLowerCase()
  const length = seen.get('content-length')
  return { status, headers, contentType: seen.get('content-type'), contentEncoding: encoding === '' || encoding === 'identity' ? undefined : encoding, contentLength: length === undefined ? undefined : Number(length) }
}

function note(seen: Map<string, string>, name: string, value: string, listed: ReadonlySet<string> | undefined): void {
  if (listed?.has(name) === true) throw invalid(`it declares ${name} to be hop by hop`)
  const before = seen.get(name)
  if (before !== undefined && name !== 'content-encoding') throw invalid(`${name} stands twice`)
  seen.set(name, before === undefined ? value : `${before}, ${value}`)
}

function invalid(what: string): LockkeeperError {
  return new LockkeeperError('UPSTREAM_INVALID', `The upstream's answer can be read in more than one way (${what}), so it was not passed on.`)
}

function connectionListed(raw: readonly (Buffer | string)[]): Set<string> | undefined {
  let listed: Set<string> | undefined
  for (let index = 0; index < raw.length; index += 2) {
    if ((raw[index] as Buffer | string).length !== 10 || text(raw[index]).toLowerCase() !== 'connection') continue
    for (const token of text(raw[index + 1]).split(',')) (listed ??= new Set()).add(token.trim().toLowerCase())
  }
  return listed
}

/** The head without what describes the upstream's own bytes. */
export function forChangedBody(headers: readonly string[]): string[] {
  return without(headers, OF_THE_BODY)
}

/** The head of a body that takes the place of the upstream's. */
export function forOwnBody(headers: readonly string[]): string[] {
  return without(forChangedBody(headers), ABOUT_CONTENT)
}

const ABOUT_CONTENT: ReadonlySet<string> = new Set(['content-type', 'content-range', 'content-disposition', 'content-language', 'content-location', 'last-modified', 'expires'])

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (!names.has((headers[index] as string).toLowerCase())) kept.push(headers[index] as string, headers[index + 1] as string)
  }
  return kept
}

function text(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : part?.toString('latin1') ?? ''
}
