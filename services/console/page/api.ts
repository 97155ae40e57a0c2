/** Calls of the console's API. What goes wrong becomes a Problem that says what happened and what to do. */
import type { ProblemBody } from '../src/api-types.ts'

export class Problem extends Error {
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.name = 'Problem'
    this.status = status
  }
}

let csrf = ''
let onSignedOut: () => void = () => undefined

/** The session's token, for every request that changes anything; `signedOut` is told when the session is over. */
export function useSessionToken(token: string, signedOut: () => void): void {
  csrf = token
  onSignedOut = signedOut
}

export function get<T>(path: string): Promise<T> {
  return send<T>(path, { method: 'GET' })
}

export function post<T>(path: string, body: object = {}): Promise<T> {
  return send<T>(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-lockkeeper-csrf': csrf } })
}

async function send<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store', redirect: 'error' }).catch(() => {
    throw new Problem('The console cannot be reached. Check the connection and whether the gateway runs, then try again.', 0)
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body as T
  const { detail, title } = (body ?? {}) as ProblemBody
  // Before there is a session every 401 is about what was typed.
  if (response.status === 401 && csrf !== '' && !path.startsWith('/api/approvals/') && !path.startsWith('/api/passkeys')) onSignedOut()
  throw new Problem(detail ?? title ?? `The console answered ${response.status}. Try again in a moment.`, response.status)
}

export function textOf(error: unknown): string {
  if (error instanceof Problem) return error.message
  // Of WebAuthn: the person closed the dialog, or it timed out.
  if (error instanceof Error && (error.name === 'NotAllowedError' || error.name === 'AbortError')) return 'The passkey was not used: the dialog was closed or took too long. Nothing was decided; try again.'
  if (error instanceof Error && error.name === 'InvalidStateError') return 'This device has a passkey for you already. Sign in with it.'
  return error instanceof Error ? error.message : 'Something went wrong. Try again.'
}
