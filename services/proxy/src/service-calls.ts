/**
 * HTTP to one inner service: a bounded pool, a deadline for each attempt, a bounded answer, an ID token in every request. Twice: Cloud
 * Run's own check reads `X-Serverless-Authorization` and takes that one's signature off, the service itself reads `Authorization`.
 */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { Pool } from 'undici'

export interface ServiceCallsOptions {
  /** `https://approval-….a.run.app`, without a path. */
  readonly origin: string
  /** The value for Authorization: `Bearer` and an ID token for that service. Rejects on outage. */
  readonly authorization: () => Promise<string>
  /** Connections at most. Default 64. */
  readonly connections?: number
}

export interface ServiceAnswer { readonly status: number, readonly body: Buffer }

export interface ServiceCalls {
  /** Asked up to `attempts` times while there is no answer, or one of 429, 502, 503, 504; each in `ms`. PortUnavailable after the last. */
  post(path: string, body: Uint8Array, type: string, ms: number, attempts: number): Promise<ServiceAnswer>
  close(): Promise<void>
}

const MAX_ANSWER_BYTES = 5 * 1024 * 1024
const CONNECT_MS = 2_000
const PAUSE_MS = 100
/** What a load balancer or an instance that is just stopping answers. */
const AGAIN = new Set([429, 502, 503, 504])

export function createServiceCalls({ origin, authorization, connections = 64 }: ServiceCallsOptions): ServiceCalls {
  const pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 30_000, connect: { timeout: CONNECT_MS }, bodyTimeout: 0, headersTimeout: 0 })

  async function once(path: string, body: Uint8Array, type: string, signal: AbortSignal): Promise<ServiceAnswer> {
    const value = await abortable(authorization(), signal)
    const answer = await pool.request({ method: 'POST', path, body, signal, headers: { authorization: value, 'x-serverless-authorization': value, 'content-type': type, accept: '*/*' } })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) throw new Error('the answer is over 5 MiB')
      chunks.push(chunk)
    }
    return { status: answer.statusCode, body: Buffer.concat(chunks) }
  }

  return {
    async post(path, body, type, ms, attempts) {
      let last: unknown
      for (let attempt = 1; attempt <= attempts; attempt++) {
        if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        try {
          const answer = await once(path, body, type, AbortSignal.timeout(ms))
          if (!AGAIN.has(answer.status)) return answer
          last = new Error(`it answered ${answer.status}`)
        } catch (error) {
          last = error
        }
      }
      throw new PortUnavailable(`${origin} does not answer: ${last instanceof Error ? last.message : 'no answer'}`, { cause: last })
    },
    close: () => pool.destroy(),
  }
}

/** A token that is not to be had in time is an outage of this attempt. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop))
}
