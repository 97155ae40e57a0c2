/**
 * Which of an agent's headers go upstream, which carry meaning for an approval, and which stop the request.
 * Google targets get an allow-list: what is not known to be harmless stays here (invariant 2). RFC 9110 section 7.6.1.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'

export interface RequestHeaders {
  /** Raw pairs for upstream, without Host, Authorization and framing. */
  readonly forward: readonly string[]
  /** Part of the digest: lower-case names, values as sent; of secret ones the hash. */
  readonly meaningful: Readonly<Record<string, string>>
}

/** Part of what a person approves. */
const MEANINGFUL = new Set([
  'content-type', 'content-encoding', 'content-range', 'range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range',
  'x-goog-user-project', 'x-goog-fieldmask', 'x-goog-hash', 'x-upload-content-type', 'x-upload-content-length', 'x-goog-if-generation-match', 'x-goog-if-metageneration-match',
  'x-goog-storage-class', 'x-goog-content-length-range', 'x-goog-spanner-database-role', 'x-goog-api-version', 'x-goog-request-params',
])
const MEANINGFUL_PREFIXES = ['x-goog-meta-', 'x-goog-encryption-', 'x-goog-copy-source-encryption-']
/** Their values are no one's to see: an approval is bound to their hash, and cards and stores hold nothing else. */
const SECRET = /encryption-key$|api-?key|token|secret|passw|credential/

/** Forwarded without meaning: they name the client or shape the answer. */
const HARMLESS = new Set([
  'accept', 'accept-encoding', 'accept-language', 'user-agent', 'x-goog-api-client', 'x-goog-gcs-idempotency-token', 'x-allowed-locations',
  'x-client-data', 'traceparent', 'tracestate', 'x-cloud-trace-context',
])

/** Can turn the request into another one, open it to others unjudged (headers of Cloud Storage's XML API), or bring a credential of the agent's own. */
const REFUSED = new Set([
  'x-goog-acl', 'x-goog-copy-source',
  'x-http-method-override', 'x-http-method', 'x-method-override', 'x-original-url', 'x-rewrite-url', 'x-original-method', 'x-goog-api-key', 'x-goog-iam-authorization-token',
  'x-goog-iam-authority-selector', 'x-goog-authenticated-user-jwt', 'x-goog-authenticated-user-email', 'x-goog-authenticated-user-id', 'x-original-host', 'x-http-host-override', 'x-envoy-original-path', 'x-serverless-authorization', 'x-goog-iap-jwt-assertion', 'x-goog-upload-protocol', 'x-goog-upload-command', 'x-goog-upload-header-content-type',
])

/** Hop by hop, about the way here, or set anew by the gateway. Dropped for every kind of target. */
const DROPPED = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'authorization',
  'content-length', 'expect', 'forwarded', 'via', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip', 'remote-user', 'x-remote-user', 'cookie', 'x-goog-request-reason', 'idempotency-key', 'date', 'http2-settings',
])

/** What earlier hops say of the request, and what only the gateway says of it. */
const DROPPED_PREFIXES = ['x-forwarded-', 'x-lockkeeper-']
const PLAIN_NAME = /^[a-z0-9-]+$/

/** Reads the raw pairs once. Refusals: override and credential headers, names that servers read differently, a header with meaning or a Host that stands twice. */
export function readRequestHeaders(raw: readonly string[], kind: 'google' | 'http'): RequestHeaders | Refusal {
  const listed = connectionListed(raw)
  const forward: string[] = []
  const meaningful: Record<string, string> = {}
  let hosts = 0
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = raw[index + 1] as string
    if (name === 'host' && ++hosts > 1) return refuse('REQUEST_AMBIGUOUS', 'The Host header stands twice. Nothing was sent; send it once.')
    if (REFUSED.has(name) || (!PLAIN_NAME.test(name) && isDisguise(name, kind))) return refusedHeader(name)
    if (DROPPED.has(name) || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue
    if (listed?.has(name) === true) {
      // A client may not hide a header with meaning from the upstream by listing it as hop by hop.
      if (hasMeaning(name)) return refuse('REQUEST_AMBIGUOUS', `The Connection header lists ${name}, which carries meaning. Nothing was sent; send it as an ordinary header.`)
      continue
    }
    if (hasMeaning(name)) {
      if (Object.hasOwn(meaningful, name)) return refuse('REQUEST_AMBIGUOUS', `The header ${name} stands twice. Nothing was sent; send it once.`)
      meaningful[name] = shown(name, value)
    } else if (kind === 'google' && !HARMLESS.has(name)) continue
    else if (kind === 'http' && !HARMLESS.has(name)) meaningful[name] = Object.hasOwn(meaningful, name) ? `${meaningful[name]}, ${shown(name, value)}` : shown(name, value)
    forward.push(raw[index] as string, value)
  }
  return { forward, meaningful }
}

function shown(name: string, value: string): string {
  return SECRET.test(name) ? `sha256:${sha256(value)}` : value
}

/**
 * `X_HTTP_Method`, `x.http.method`: many servers turn such characters into dashes or underscores, so that the name means another one there.
 * An unknown one is left out for Google and refused elsewhere, where every header is passed on.
 */
function isDisguise(name: string, kind: 'google' | 'http'): boolean {
  if (kind === 'http') return true
  const spelled = name.replaceAll(/[^a-z0-9]/g, '-')
  return REFUSED.has(spelled) || DROPPED.has(spelled) || hasMeaning(spelled)
}

function hasMeaning(name: string): boolean {
  return MEANINGFUL.has(name) || (name.startsWith('x-goog-') && MEANINGFUL_PREFIXES.some((prefix) => name.startsWith(prefix)))
}

function connectionListed(raw: readonly string[]): Set<string> | undefined {
  let listed: Set<string> | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const token of (raw[index + 1] as string).split(',')) {
      const header = token.trim().toLowerCase()
      if (header !== '' && header !== 'keep-alive' && header !== 'close') (listed ??= new Set()).add(header)
    }
  }
  return listed
}

function refusedHeader(name: string): Refusal {
  return refuse('REQUEST_AMBIGUOUS', {
    message: `The header ${name} can turn the request into another one or brings a credential of its own, so it is refused. Nothing was sent; send the call without it.`,
    metadata: { header: name.slice(0, 64) },
  })
}
