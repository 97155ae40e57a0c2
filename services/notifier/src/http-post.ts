/** One POST to a provider: no redirect followed, answer and time bounded, addresses checked where they must be public. */
import { lookup as systemLookup } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { checkedLookup, isForbidden } from '@lockkeeper/service-kit'

export interface PostRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `failed`: no complete answer; `why` names neither path nor query, which may be secret. */
export type Posted =
  | { readonly kind: 'answer', readonly status: number, readonly retryAfter?: string, readonly body: string }
  | { readonly kind: 'failed', readonly why: string }

export type Post = (request: PostRequest) => Promise<Posted>

export interface PostOptions {
  /** True: loopback and private addresses may be dialled. */
  readonly privateAddresses: boolean
  /** PEM that replaces the system's trust. */
  readonly certificateAuthority?: string
  /** Ms for all of it, default 10,000. */
  readonly withinMs?: number
  /** Resolves names. Default: the system's resolver. */
  readonly lookup?: typeof systemLookup
}

const MOST_ANSWER_BYTES = 262_144

export function createPost({ privateAddresses, certificateAuthority, withinMs = 10_000, lookup = systemLookup }: PostOptions): Post {
  const options: RequestOptions = {
    method: 'POST', agent: false, minVersion: 'TLSv1.2', ...certificateAuthority === undefined ? {} : { ca: certificateAuthority },
    lookup: privateAddresses ? lookup : checkedLookup(lookup) as typeof lookup,
  }
  return ({ url, headers, body }) => new Promise((resolve) => {
    // Literal addresses are not looked up, so they are checked here.
    if (!privateAddresses && isForbidden(url.hostname)) return resolve({ kind: 'failed', why: `${url.hostname} is a loopback, link-local or private address` })
    const bytes = Buffer.from(body)
    const failed = (error: NodeJS.ErrnoException): void => resolve({ kind: 'failed', why: error.name === 'TimeoutError' || error.name === 'AbortError' ? `no answer within ${withinMs} ms` : (error.code ?? error.message).slice(0, 200) })
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const sent = send(url, { ...options, headers: { 'user-agent': 'lockkeeper', ...headers, 'content-length': String(bytes.length) }, signal: AbortSignal.timeout(withinMs) }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MOST_ANSWER_BYTES) sent.destroy(new Error('the answer is over 256 KiB'))
        else chunks.push(chunk)
      })
      const retryAfter = response.headers['retry-after']
      response.once('end', () => resolve({ kind: 'answer', status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), ...retryAfter === undefined ? {} : { retryAfter } }))
      response.once('error', failed)
    })
    sent.once('error', failed).end(bytes)
  })
}
