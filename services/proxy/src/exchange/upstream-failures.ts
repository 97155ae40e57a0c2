/** What an upstream's failure means for the agent: what happened, whether anything may have changed, what to do next. */
import { LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { CredentialEcho } from './credential-echo.ts'
import { ForbiddenAddress } from './upstreams.ts'

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
  if (error instanceof ForbiddenAddress) return refuse('UPSTREAM_FORBIDDEN', { message: `The upstream's address is refused: ${error.message}. Nothing was sent.` })
  if (error instanceof TooLate) return refuse('UPSTREAM_UNREACHABLE', { message: 'No connection to the upstream was ready in time, so the approved call was not sent. Send the same call again: the approval stands.' })
  if (error instanceof CredentialEcho) return refuse('UPSTREAM_INVALID', { message: `The upstream's answer held a credential and was stopped. ${effect}` })
  const code = (error as { code?: string }).code ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return refuse('UPSTREAM_TIMEOUT', { message: `The upstream did not answer in time. ${effect}`, detail })
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return refuse('UPSTREAM_INVALID', { message: `The upstream's answer breaks the protocol. ${effect}`, detail })
  if (!sent) return refuse('UPSTREAM_UNREACHABLE', { message: `No connection to the upstream could be made. ${effect}`, detail })
  return refuse('UPSTREAM_RESET', { message: `The upstream closed the connection in the middle. ${effect}`, detail })
}

/** The chain of causes for the record; upstream errors name hosts and codes, never headers. */
function causes(error: Error): string {
  const texts: string[] = []
  for (let one: unknown = error; one instanceof Error && texts.length < 4; one = one.cause) texts.push(`${(one as { code?: string }).code ?? one.name}: ${one.message}`)
  return texts.join(' ← ').slice(0, 500)
}
