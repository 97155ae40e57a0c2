/** Errors as Google's APIs answer them: AIP-193 for most, the older shape without `status` for Storage, BigQuery and Compute. */

export type ErrorStyle = 'legacy' | 'rpc'

const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION', 413: 'INVALID_ARGUMENT', 416: 'OUT_OF_RANGE', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 502: 'UNAVAILABLE', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED',
}

export class GoogleError extends Error {
  readonly code: number
  /** `notFound`, `conditionNotMet`, …: the word in `errors[0].reason`. */
  readonly reason: string
  /** google.rpc.Code name. */
  readonly status: string
  readonly headers: Readonly<Record<string, string>>

  constructor(code: number, reason: string, message: string, options: { readonly status?: string, readonly headers?: Readonly<Record<string, string>> } = {}) {
    super(message)
    this.name = 'GoogleError'
    this.code = code
    this.reason = reason
    this.status = options.status ?? STATUS[code] ?? 'UNKNOWN'
    this.headers = options.headers ?? {}
  }
}

export const notFound = (message: string): GoogleError => new GoogleError(404, 'notFound', message)
export const invalid = (message: string): GoogleError => new GoogleError(400, 'invalid', message)
export const alreadyThere = (message: string): GoogleError => new GoogleError(409, 'conflict', message)
export const conditionNotMet = (): GoogleError => new GoogleError(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')
export const concurrentPolicyChange = (): GoogleError => new GoogleError(409, 'aborted',
  'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. The request\'s ETag did not match the current policy\'s ETag.', { status: 'ABORTED' })

export function errorBody(error: GoogleError, style: ErrorStyle): object {
  const errors = [{ message: error.message, domain: 'global', reason: error.reason }]
  if (style === 'legacy') return { error: { code: error.code, message: error.message, errors } }
  return { error: { code: error.code, message: error.message, status: error.status, errors } }
}
