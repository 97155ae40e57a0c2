/** Tests only: an agent that calls Google through the path door, one connection for each call, and remembers all that it heard. */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  json<T = Record<string, unknown>>(): T
  /** ErrorInfo of a refusal. */
  readonly reason: string | undefined
  readonly message: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal
  /** Called with the head of the answer, before its body. */
  readonly onHead?: (response: IncomingMessage) => void
}

export interface TestAgent {
  readonly id: string
  readonly run: string
  readonly token: string
  /** `place`: host and path, as in `storage.googleapis.com/storage/v1/b`. */
  call(verb: string, place: string, options?: CallOptions): Promise<Answer>
  get(place: string, options?: CallOptions): Promise<Answer>
  post(place: string, body: unknown, options?: CallOptions): Promise<Answer>
}

/** What the client side saw: the other half of every comparison with the log. */
export interface Heard {
  /** Requests that were sent. */
  sent: number
  /** Heads and bodies of every answer. */
  readonly texts: string[]
  /** Tokens that agents held. */
  readonly tokens: string[]
}

export function createAgent(who: { readonly id: string, readonly run: string, readonly token: string }, origin: () => string, heard: Heard): TestAgent {
  const call: TestAgent['call'] = (verb, place, options = {}) => send(origin(), verb, `/${place}`, who.token, options, heard)
  return { ...who, call, get: (place, options) => call('GET', place, options), post: (place, body, options) => call('POST', place, { ...options, body }) }
}

async function send(origin: string, verb: string, path: string, token: string, { headers = {}, body, signal, onHead }: CallOptions, heard: Heard): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const bytes = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const { hostname, port } = new URL(origin)
  const request = httpRequest({
    hostname, port, path, method: verb, agent: false, ...(signal === undefined ? {} : { signal }),
    headers: { authorization: `Bearer ${token}`, ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }), ...headers },
  }, resolve)
  request.once('error', reject)
  request.end(bytes)
  heard.sent++
  const response = await promise
  onHead?.(response)
  return readAnswer(response, heard)
}

export async function readAnswer(response: IncomingMessage, heard: Heard): Promise<Answer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } finally {
    heard.texts.push(JSON.stringify(response.rawHeaders), Buffer.concat(chunks).toString('latin1'))
  }
  return answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  const text = body.toString('utf8')
  const info = status >= 400 ? errorInfo(text) : undefined
  return { status, headers, body, text, json: <T>() => JSON.parse(text) as T, reason: info?.reason, message: info?.message ?? '', metadata: info?.metadata ?? {} }
}

interface ErrorInfo { readonly reason?: string, readonly message: string, readonly metadata?: Readonly<Record<string, string>> }

/** Only the gateway's own errors have a reason here; the upstream's are of another domain. */
function errorInfo(text: string): ErrorInfo | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message: string, readonly details?: readonly (ErrorInfo & { readonly domain?: string })[] } }
    const detail = error?.details?.find(({ domain }) => domain === 'lockkeeper.dev')
    return error === undefined ? undefined : { message: error.message, ...(detail?.reason === undefined ? {} : { reason: detail.reason }), ...(detail?.metadata === undefined ? {} : { metadata: detail.metadata }) }
  } catch {
    // Not JSON: no error of the gateway's.
    return undefined
  }
}
