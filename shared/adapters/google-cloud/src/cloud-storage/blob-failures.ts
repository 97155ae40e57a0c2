/** What a failed request to Cloud Storage means. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { inFewWords } from '../google-call.ts'

/** The bucket's retention, or a hold, keeps the blob: nothing is wrong with the store, and it stays as it is. */
export class RetentionNotMet extends PortUnavailable {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RetentionNotMet'
  }
}

interface Facts { readonly code?: unknown, readonly message?: unknown, readonly errors?: readonly { readonly reason?: unknown }[] }

const factsOf = (error: unknown): Facts => (typeof error === 'object' && error !== null ? error : {})
const RETAINED: ReadonlySet<unknown> = new Set(['retentionPolicyNotMet', 'objectUnderActiveHold'])
const TRANSIENT: ReadonlySet<unknown> = new Set([408, 429, 500, 502, 503, 504])

/** There is no such object. A bucket that is not there is another matter: everything would seem to be absent. */
export function isAbsent(error: unknown): boolean {
  const { code, message } = factsOf(error)
  return code === 404 && !/bucket does not exist/i.test(String(message))
}

export const isThereAlready = (error: unknown): boolean => factsOf(error).code === 412

export const isRetained = (error: unknown): boolean => factsOf(error).code === 403 && (factsOf(error).errors ?? []).some(({ reason }) => RETAINED.has(reason))

/** The same request may do better in a moment: a status that says so, or no answer at all. */
export function mayPass(error: unknown): boolean {
  const { code } = factsOf(error)
  return code === undefined || typeof code === 'string' || TRANSIENT.has(code)
}

export function unavailable(what: string, error: unknown): PortUnavailable {
  return error instanceof PortUnavailable ? error : new PortUnavailable(`Cloud Storage could not ${what}`, { cause: inFewWords(error) })
}
