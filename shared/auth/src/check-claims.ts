/** The registered claims (RFC 7519 section 4.1) of a token whose signature holds. */
import type { Refusal } from '@lockkeeper/domain/errors'
import { invalid } from './compact-token.ts'

/** Ms by which clocks may differ. */
const CLOCK_TOLERANCE_MS = 60_000
/** Seconds; the year 9999. Larger numbers are not dates. */
const MAX_NUMERIC_DATE = 253_402_300_799
const MAX_SUBJECT_LENGTH = 512
const MAX_AUDIENCES = 100

export interface ClaimRules {
  readonly issuer: string
  /** The token must be meant for one of them. */
  readonly audiences: readonly string[]
  /** Ms since `iat`, which is then required. Undefined: only `exp` ends the token. */
  readonly maxTokenAgeMs: number | undefined
}

export interface CheckedClaims {
  readonly subject: string
  /** Epoch ms, without tolerance: `exp`, or `iat` + `maxTokenAgeMs` when that is sooner. */
  readonly expiresAt: number
}

type Claims = Readonly<Record<string, unknown>>

export function checkClaims(claims: Claims, rules: ClaimRules, now: number): CheckedClaims | Refusal {
  if (claims.iss !== rules.issuer) return invalid('The token\'s issuer (`iss`) is not the configured one.')
  if (!isMeantFor(claims.aud, rules.audiences)) return invalid('The token\'s audience (`aud`) does not name this gateway.')
  if (!isText(claims.sub, MAX_SUBJECT_LENGTH)) return invalid('The token has no usable subject (`sub`).')
  const times = readTimes(claims)
  if (typeof times === 'string') return invalid(`The token's \`${times}\` is not a number of seconds.`)
  const expiresAt = checkTimes(times, rules.maxTokenAgeMs, now)
  return typeof expiresAt === 'string' ? invalid(expiresAt) : { subject: claims.sub, expiresAt }
}

function isMeantFor(aud: unknown, audiences: readonly string[]): boolean {
  if (typeof aud === 'string') return audiences.includes(aud)
  if (!Array.isArray(aud) || aud.length > MAX_AUDIENCES) return false
  return aud.every((name) => typeof name === 'string') && aud.some((name) => audiences.includes(name))
}

const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/u

/** A non-empty text without control, format or line-breaking characters: it goes into logs, records and screens. */
export function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength && !CONTROL.test(value)
}

type Times = { readonly exp?: number, readonly nbf?: number, readonly iat?: number }

/** Epoch ms, or the name of the claim that is no NumericDate. */
function readTimes(claims: Claims): Times | 'exp' | 'nbf' | 'iat' {
  const times: { exp?: number, nbf?: number, iat?: number } = {}
  for (const name of ['exp', 'nbf', 'iat'] as const) {
    const seconds = claims[name]
    if (seconds === undefined) continue
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= MAX_NUMERIC_DATE)) return name
    times[name] = Math.floor(seconds * 1000)
  }
  return times
}

/** When the token ends, or why it is refused now. */
function checkTimes({ exp, nbf, iat }: Times, maxTokenAgeMs: number | undefined, now: number): number | string {
  if (exp === undefined) return 'The token never expires (no `exp`), which is not accepted.'
  if (now >= exp + CLOCK_TOLERANCE_MS) return 'The token has expired (`exp`). Get a fresh one.'
  if (nbf !== undefined && now < nbf - CLOCK_TOLERANCE_MS) return 'The token is not valid yet (`nbf`).'
  if (iat !== undefined && now < iat - CLOCK_TOLERANCE_MS) return 'The token was issued in the future (`iat`).'
  if (maxTokenAgeMs === undefined) return exp
  if (iat === undefined) return 'The token does not say when it was issued (`iat`), which this issuer\'s settings require.'
  if (now >= iat + maxTokenAgeMs + CLOCK_TOLERANCE_MS) return 'The token is older than this issuer\'s settings allow. Get a fresh one.'
  return Math.min(exp, iat + maxTokenAgeMs)
}
