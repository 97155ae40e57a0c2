/** What a sandbox client prints: one line of JSON about what happened to it, refusals included, tokens never. */

export interface Refused {
  /** HTTP status, or undefined when there was no answer. */
  readonly status?: number
  readonly message: string
  /** ErrorInfo of the answer, where there was one. */
  readonly reason?: string
  readonly metadata?: Readonly<Record<string, string>>
}

export type ClientReport =
  | { readonly outcome: 'answered', readonly [fact: string]: unknown }
  | { readonly outcome: 'refused', readonly refused: Refused }

export type Client = (args: readonly string[], environment: Readonly<Record<string, string | undefined>>) => Promise<ClientReport>

/** Runs the call and turns an API error into a report. Errors that are no API errors are passed on. */
export async function reporting(call: () => Promise<Readonly<Record<string, unknown>>>): Promise<ClientReport> {
  try {
    return { outcome: 'answered', ...await call() }
  } catch (error) {
    const refused = refusedOf(error)
    if (refused === undefined) throw error
    return { outcome: 'refused', refused }
  }
}

/** The Google-shaped body of a client library's error, wherever that library keeps it. */
export function refusedOf(error: unknown): Refused | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, status, message, response } = error as { readonly code?: unknown, readonly status?: unknown, readonly message?: unknown, readonly response?: { readonly status?: unknown, readonly statusCode?: unknown, readonly data?: unknown, readonly body?: unknown } }
  const number = [status, code, response?.status, response?.statusCode].map(Number).find((value) => value >= 300 && value < 600)
  if (number === undefined) return undefined
  return describeBody(number, response?.data ?? response?.body, typeof message === 'string' ? message : '')
}

/** A refusal out of status and body (parsed or as text). */
export function describeBody(status: number, body: unknown, fallback: string): Refused {
  const found = errorOf(body) ?? errorOf(fallback)
  const info = found?.details?.find((detail) => detail['@type']?.endsWith('ErrorInfo'))
  return {
    status, message: found?.message ?? fallback,
    ...(info?.reason === undefined ? {} : { reason: info.reason }),
    ...(info?.metadata === undefined ? {} : { metadata: info.metadata }),
  }
}

interface GoogleErrorBody {
  readonly message?: string
  readonly details?: readonly { readonly '@type'?: string, readonly reason?: string, readonly metadata?: Readonly<Record<string, string>> }[]
}

function errorOf(body: unknown): GoogleErrorBody | undefined {
  let document = body
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    const text = body.toString()
    if (!text.trimStart().startsWith('{')) return undefined
    try {
      document = JSON.parse(text)
    } catch {
      // Not JSON after all: the caller falls back to the library's own message.
      return undefined
    }
  }
  if (typeof document !== 'object' || document === null) return undefined
  const { error } = document as { readonly error?: unknown }
  return typeof error === 'object' && error !== null ? error as GoogleErrorBody : undefined
}
