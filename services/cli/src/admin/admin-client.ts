/** Commands talk to a running gateway through its admin socket, or to a service of the Google Cloud edition with an ID token. */
import { CommandFailed } from '../command-failed.ts'
import { plainLines } from '../commands/output.ts'
import { localPlace, type AdminPlace } from './admin-place.ts'

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const ANSWER_WITHIN_MS = 60_000

export type Condition = { readonly 'if-match': string } | { readonly 'if-none-match': '*' }

export interface AdminClient {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  /** `condition`: If-Match or If-None-Match. */
  put<T>(path: string, body: unknown, condition: Condition): Promise<T>
  /** Text instead of JSON. */
  text(path: string): Promise<string>
  /** Lines of a stream as they come, until it ends or `signal` fires. */
  lines(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>
}

interface Sent { readonly method: string, readonly path: string, readonly accept: string, readonly body?: unknown, readonly condition?: Condition }

/** A string is the path of an admin socket. */
export function openAdminClient(where: string | AdminPlace): AdminClient {
  const place = typeof where === 'string' ? localPlace(where) : where
  const checked = async (sent: Sent): Promise<string> => {
    const { status, text } = await call(place, sent)
    if (status >= 400) throw new CommandFailed(plainLines(detailOf(text) ?? `the gateway answered ${status}`))
    return text
  }
  return {
    get: async <T>(path: string) => JSON.parse(await checked({ method: 'GET', path, accept: 'application/json' })) as T,
    post: async <T>(path: string, body: unknown) => JSON.parse(await checked({ method: 'POST', path, accept: 'application/json', body })) as T,
    put: async <T>(path: string, body: unknown, condition: Condition) => JSON.parse(await checked({ method: 'PUT', path, accept: 'application/json', body, condition })) as T,
    text: (path) => checked({ method: 'GET', path, accept: 'text/plain' }),
    lines: (path, onLine, signal) => lines(place, path, onLine, signal),
  }
}

async function call(place: AdminPlace, { method, path, accept, body, condition }: Sent): Promise<{ readonly status: number, readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number, readonly text: string }>()
  const headers = { accept, ...body === undefined ? {} : { 'content-type': 'application/json' }, ...condition }
  const sent = await place.open({ method, path, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) sent.destroy(new CommandFailed('the gateway\'s answer is over 64 MiB; ask for less with --limit'))
      else chunks.push(chunk)
    })
    response.once('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
    response.once('error', reject)
  })
  sent.once('timeout', () => sent.destroy(new CommandFailed('the gateway does not answer')))
  sent.once('error', (error: NodeJS.ErrnoException) => {
    const meaning = place.explain(error.code)
    reject(meaning === undefined ? error : new CommandFailed(meaning))
  })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}

async function lines(place: AdminPlace, path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sent = await place.open({ method: 'GET', path, headers: { accept: 'application/x-ndjson' }, signal }, (response) => {
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      parts.forEach(onLine)
    }).once('end', resolve).once('error', () => resolve())
  })
  sent.once('error', (error) => signal.aborted ? resolve() : reject(error))
  sent.end()
  return promise
}

/** RFC 9457. */
function detailOf(text: string): string | undefined {
  try {
    const { detail, title } = JSON.parse(text) as { readonly detail?: string, readonly title?: string }
    return detail ?? title
  } catch {
    // Not JSON: the caller names the status.
    return undefined
  }
}
