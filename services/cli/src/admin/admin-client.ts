/** Commands talk to a running gateway through its admin socket and nothing else. */
import { request } from 'node:http'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { CommandFailed } from '../command-failed.ts'

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

/** Where a running gateway's socket is: the option, the environment, or the default place under the current directory. */
export function adminSocketPath(option: string | undefined, environment: Readonly<Record<string, string | undefined>>): string {
  return resolve(option ?? environment['LOCKKEEPER_ADMIN'] ?? '.lockkeeper/admin.sock')
}

export function openAdminClient(socketPath: string): AdminClient {
  if (!existsSync(socketPath)) throw new CommandFailed(`no gateway is running here: ${socketPath} does not exist. Start one with \`lockkeeper up\`, or name its socket with --admin or LOCKKEEPER_ADMIN.`)
  const call = (method: string, path: string, accept: string, body?: unknown, condition?: Condition): Promise<{ readonly status: number, readonly text: string }> => new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { accept, host: 'admin', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...condition }, timeout: ANSWER_WITHIN_MS }, (response) => {
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
    sent.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ECONNREFUSED' || error.code === 'EACCES' ? new CommandFailed(`the gateway's admin socket ${socketPath} cannot be opened (${error.code}): it is stopped, or you are another user`) : error))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
  const checked = async (method: string, path: string, accept: string, body?: unknown, condition?: Condition): Promise<string> => {
    const { status, text } = await call(method, path, accept, body, condition)
    if (status >= 400) throw new CommandFailed(detailOf(text) ?? `the gateway answered ${status}`)
    return text
  }
  return {
    get: async <T>(path: string) => JSON.parse(await checked('GET', path, 'application/json')) as T,
    post: async <T>(path: string, body: unknown) => JSON.parse(await checked('POST', path, 'application/json', body)) as T,
    put: async <T>(path: string, body: unknown, condition: Condition) => JSON.parse(await checked('PUT', path, 'application/json', body, condition)) as T,
    text: (path) => checked('GET', path, 'text/plain'),
    lines: (path, onLine, signal) => new Promise((resolve, reject) => {
      const sent = request({ socketPath, path, headers: { accept: 'application/x-ndjson', host: 'admin' }, signal }, (response) => {
        let rest = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          lines.forEach(onLine)
        }).once('end', resolve).once('error', () => resolve())
      })
      sent.once('error', (error) => signal.aborted ? resolve() : reject(error))
      sent.end()
    }),
  }
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
