/** The shape of a bearer token before any key is touched: a compact JWS (RFC 7515) that two readers cannot read differently. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, toPlain, type JsonObject } from '@lockkeeper/domain/json'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from './key-set.ts'

/** Bytes of a token, and of the Authorization header that carries it. */
export const MAX_TOKEN_BYTES = 16 * 1024
const MAX_KID_LENGTH = 256
const MAX_DEPTH = 20

export interface CompactToken {
  readonly algorithm: SigningAlgorithm
  readonly kid: string | undefined
  /** Lower-case `typ` without `application/`; undefined when absent. */
  readonly type: string | undefined
  /** Unverified until the signature is checked. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Header parameters by which a token would choose its own key, or change what is signed or how it is read. */
const REFUSED_PARAMETERS = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'enc', 'zip', 'cty'] as const

export const invalid = (message: string, detail?: string): Refusal =>
  refuse('TOKEN_INVALID', { message, ...(detail === undefined ? {} : { detail }) })

/** Splits and parses; refuses with TOKEN_INVALID and a text that holds nothing of the token. */
export function readCompactToken(token: string): CompactToken | Refusal {
  if (token.length > MAX_TOKEN_BYTES) return invalid(`The token is larger than ${MAX_TOKEN_BYTES} bytes.`)
  const segments = token.split('.')
  if (segments.length !== 3) return invalid('The token is not a signed JWT in compact form (three parts).')
  const [headerPart = '', payloadPart = '', signaturePart = ''] = segments
  const header = readSegment(headerPart, 'header')
  if (isRefusal(header)) return header
  const checked = checkHeader(header)
  if (isRefusal(checked)) return checked
  const claims = readSegment(payloadPart, 'payload')
  if (isRefusal(claims)) return claims
  if (decodeCanonical(signaturePart) === undefined) return invalid('The token\'s signature is not canonical base64url.')
  return { ...checked, claims: toPlain(claims) as Record<string, unknown> }
}

/** Undefined unless the text is the one base64url form of its bytes: no padding, no stray bits, no other alphabet. */
function decodeCanonical(segment: string): Buffer | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === segment ? bytes : undefined
}

function readSegment(segment: string, name: 'header' | 'payload'): JsonObject | Refusal {
  const bytes = decodeCanonical(segment)
  if (bytes === undefined) return invalid(`The token's ${name} is not canonical base64url.`)
  const value = parseStrict(bytes, { maxDepth: MAX_DEPTH })
  if (isRefusal(value)) {
    return invalid(value.reason === 'REQUEST_AMBIGUOUS'
      ? `The token's ${name} can be read in more than one way (duplicate member or invalid text).`
      : `The token's ${name} is not valid JSON.`)
  }
  return isJsonObject(value) ? value : invalid(`The token's ${name} is not a JSON object.`)
}

function checkHeader(header: JsonObject): Omit<CompactToken, 'claims'> | Refusal {
  const algorithm = SIGNING_ALGORITHMS.find((name) => name === header.alg)
  if (algorithm === undefined) return invalid(`The token's algorithm is not accepted; use one of ${SIGNING_ALGORITHMS.join(', ')}.`)
  const refused = REFUSED_PARAMETERS.find((name) => name in header)
  if (refused !== undefined) return invalid(`The token's header carries \`${refused}\`, which is never accepted.`)
  const { kid, typ } = header
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_LENGTH)) return invalid('The token\'s key id (`kid`) is not a short text.')
  if (typ !== undefined && typeof typ !== 'string') return invalid('The token\'s `typ` is not a text.')
  return { algorithm, kid, type: typ?.toLowerCase().replace(/^application\//, '') }
}
