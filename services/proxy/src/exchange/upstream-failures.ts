/** What an upstream's failure means for the agent: what happened, whether anything may have changed, what to do next. */
import { ERROR_DOMAIN, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { CredentialEcho } from './credential-echo.ts'
import { ForbiddenAddress } from '@lockkeeper/service-kit'

/** The claim's deadline passed before a connection was ready. */
export class TooLate extends Error {
  constructor() { super('the claim ended before the first byte could be sent') }
}

/** A lock fell on a call in progress, or the gateway's time to drain was over. */
export class Stopped extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

export function mapUpstreamFailure(error: Error, sent: boolean, change: boolean): Refusal {
  if (error instanceof LockkeeperError) return { ...error.refusal, detail: causes(error) }
  if (error instanceof Stopped) return error.refusal
  const effect = !sent ? 'Nothing was sent.' : change ? 'The change may or may not have happened: look at the resource before you send it again.' : 'A read changes nothing; send it again.'
  const detail = causes(error)
  if (error instanceof PortUnavailable) return refuse('AUDIT_UNAVAILABLE', { message: `The audit log cannot take the record of this call, so ${sent ? 'its answer was not released' : 'it was not sent'}. ${effect}`, detail })
  if (error instanceof ForbiddenAddress) return refuse('UPSTREAM_FORBIDDEN', { message: `The upstream's address is refused: ${error.message}. Nothing was sent.` })
  if (error instanceof TooLate) return refuse('UPSTREAM_UNREACHABLE', { message: 'No connection to the upstream was ready in time, so the approved call was not sent. Send the same call again: the approval stands.' })
  if (error instanceof CredentialEcho) return refuse('UPSTREAM_INVALID', { message: `The upstream's answer held a credential and was stopped. ${effect}` })
  const code = (error as { code?: string }).code ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return refuse('UPSTREAM_TIMEOUT', { message: `The upstream did not answer in time. ${effect}`, detail })
  // Not every parser error has a code.
  if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return refuse('UPSTREAM_INVALID', { message: `The upstream's answer breaks the protocol. ${effect}`, detail })
  if (!sent) return refuse('UPSTREAM_UNREACHABLE', { message: `No connection to the upstream could be made. ${effect}`, detail })
  return refuse('UPSTREAM_RESET', { message: `The upstream closed the connection in the middle. ${effect}`, detail })
}

/** google.rpc.Code by HTTP status (google/rpc/code.proto). */
const STATUS_NAMES: Readonly<Record<number, string>> = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ABORTED', 429: 'RESOURCE_EXHAUSTED', 501: 'UNIMPLEMENTED', 502: 'UNAVAILABLE', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED' }

/** The shape of Google's errors around an upstream's status, for an error page that no client can read. */
export function upstreamErrorBody(status: number, change: boolean): string {
  const effect = status < 500 ? '' : change ? ' A change may or may not have happened: look at the resource before you send it again.' : ' A read changes nothing; send it again.'
  const message = `The upstream answered ${status} with a page that is no API error; the page was left out.${effect}`
  return JSON.stringify({
    error: {
      code: status, message, status: STATUS_NAMES[status] ?? (status >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION'),
      errors: [{ message, domain: ERROR_DOMAIN, reason: 'UPSTREAM_ERROR' }],
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'UPSTREAM_ERROR', domain: ERROR_DOMAIN, metadata: { status: String(status) } }],
    },
  })
}

/** The chain of causes for the record; upstream errors name hosts and codes, never headers. */
function causes(error: Error): string {
  const texts: string[] = []
  for (let one: unknown = error; one instanceof Error && texts.length < 4; one = one.cause) texts.push(`${(one as { code?: string }).code ?? one.name}: ${one.message}`)
  return texts.join(' ← ').slice(0, 500)
}
