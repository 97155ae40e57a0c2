/** The Authorization header (RFC 9110, RFC 6750): exactly one, exactly `Bearer TOKEN`. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { invalid, MAX_TOKEN_BYTES } from './compact-token.ts'

const SCHEME = 'bearer '
/** b64token of RFC 6750 section 2.1, less the padding that a JWT never has. */
const TOKEN = /^[A-Za-z0-9._~+/-]+$/

/** The token alone, or TOKEN_MISSING or TOKEN_INVALID with a text that holds nothing of the header. */
export function readBearer(authorization: string | undefined | readonly string[]): string | Refusal {
  const single = typeof authorization === 'object' ? firstOf(authorization) : authorization
  if (single === undefined || single === '') return refuse('TOKEN_MISSING', 'The request carries no bearer token. Send `Authorization: Bearer` with the agent\'s OIDC token.')
  if (typeof single !== 'string') return single
  if (single.length > MAX_TOKEN_BYTES) return invalid(`The Authorization header is larger than ${MAX_TOKEN_BYTES} bytes.`)
  if (single.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return invalid('The Authorization scheme is not Bearer.')
  const token = single.slice(SCHEME.length)
  return TOKEN.test(token) ? token : invalid('The Authorization header is not `Bearer`, one space and one token.')
}

function firstOf(headers: readonly string[]): string | undefined | Refusal {
  return headers.length > 1 ? invalid('The request carries more than one Authorization header.') : headers[0]
}
