/**
 * Google-signed ID tokens of service accounts and operators: one service's call to another, a Pub/Sub push, an operator's request.
 * Cloud Run's own IAM check, where it is on, takes the signature off the token that it has checked: such a token proves nothing here and is
 * refused. Callers send theirs in `X-Serverless-Authorization` for that check and in `Authorization` for this one; Pub/Sub has but one
 * header, so services that are pushed to leave the check to this code alone.
 */
import type { Clock, Mode } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { z } from 'zod'
import { readBearer } from './bearer.ts'
import { checkClaims } from './check-claims.ts'
import { invalid } from './compact-token.ts'
import type { Fetch } from './fetch-json.ts'
import { issuerUrlProblem } from './issuer-url.ts'
import { SIGNING_ALGORITHMS } from './key-set.ts'
import { describeProblems, readKeysSetting, type SettingsProblem } from './settings.ts'
import { createKeySources, verifySignature, warmAll } from './signed-token.ts'

/** Where Google's ID tokens of service accounts and of signed-in people come from. */
const GOOGLE = 'https://accounts.google.com'

export const serviceIssuerSchema = z.strictObject({
  /** Compared with the token's `iss` character by character. Default: Google. */
  issuer: z.string().min(1).max(512).default(GOOGLE),
  /** A key set as JSON text or object, or the URL of one. Default: found by discovery. */
  jwks: z.union([z.string().min(1).max(256 * 1024), z.looseObject({
    /** JSON Web Keys (RFC 7517). */
    keys: z.array(z.unknown()),
  })]).optional(),
  /** Default: all three. */
  algorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).default([...SIGNING_ALGORITHMS]),
  /** Whether the token must say `email_verified: true`. False only for issuers that know no other address, such as Identity-Aware Proxy. Default true. */
  emailVerified: z.boolean().default(true),
})

export type ServiceIssuerSettings = z.input<typeof serviceIssuerSchema>
type ParsedServiceIssuer = z.output<typeof serviceIssuerSchema>

/** What Cloud Run puts in the place of a signature. */
const NO_SIGNATURE = '.SIGNATURE_REMOVED_BY_GOOGLE'
/** Google's tokens live for one hour. */
const MAX_AGE_MS = 3_600_000
const MAX_EMAIL_LENGTH = 320
/** Google issues ID tokens with `typ: JWT`. */
const ACCEPTED_TYPES = ['jwt']

export interface ServiceVerifierOptions {
  /** Default: Google alone. */
  readonly issuers?: readonly ServiceIssuerSettings[]
  /** The one audience that a token must be meant for: the service's own URL, or a push endpoint's. */
  readonly audience: string
  /** E-mail addresses of those who may call; at least one. Letters' case does not count. */
  readonly allowed: readonly string[]
  readonly clock: Clock
  readonly mode: Mode
  /** Default: the global fetch. */
  readonly fetch?: Fetch
}

export interface ServiceCaller {
  /** In lower case. */
  readonly email: string
  readonly subject: string
}

export interface ServiceVerifier {
  /** Refusals: TOKEN_MISSING, TOKEN_INVALID, ISSUER_UNAVAILABLE, and CALLER_REFUSED for a sound token of somebody else. */
  verify(authorization: string | undefined): Promise<ServiceCaller | Refusal>
  /** Fetches the issuers' keys. Throws LockkeeperError ISSUER_UNAVAILABLE that names those without usable keys. */
  warm(): Promise<void>
}

/** Every problem of the settings; empty when they can be used in that mode (invariant 14). */
export function checkServiceIssuers(settings: readonly unknown[], mode: Mode): readonly SettingsProblem[] {
  const parsed = parse(settings, mode)
  return 'problems' in parsed ? parsed.problems : []
}

/** TypeError when the settings have problems. Fetches nothing by itself. */
export function createServiceVerifier({ issuers: settings = [{}], audience, allowed, clock, mode, fetch: fetchDocument = fetch }: ServiceVerifierOptions): ServiceVerifier {
  const parsed = parse(settings, mode)
  if ('problems' in parsed) throw new TypeError(describeProblems(parsed.problems))
  if (audience === '' || allowed.length === 0) throw new TypeError('a service verifier needs an audience and somebody who may call')
  const { issuers } = parsed
  const callers = new Set(allowed.map((email) => email.toLowerCase()))
  const sources = createKeySources(issuers, { mode, clock, fetch: fetchDocument })
  return {
    warm: () => warmAll(sources),
    async verify(authorization) {
      const token = readBearer(authorization)
      if (isRefusal(token)) return token
      if (token.endsWith(NO_SIGNATURE)) return invalid('Cloud Run has taken the token\'s signature off: send the token for its check in X-Serverless-Authorization, or turn that check off for this service.')
      const signed = await verifySignature(token, issuers, sources, ACCEPTED_TYPES)
      if (isRefusal(signed)) return signed
      // One entry for each issuer: parse refuses a second.
      const [issuer] = signed.issuers
      if (issuer === undefined) return invalid('The token\'s issuer is not a configured one.')
      return judge(signed.claims, issuer, audience, callers, clock.now())
    },
  }
}

function judge(claims: Readonly<Record<string, unknown>>, { issuer, emailVerified }: ParsedServiceIssuer, audience: string, callers: ReadonlySet<string>, now: number): ServiceCaller | Refusal {
  const checked = checkClaims(claims, { issuer, audiences: [audience], maxTokenAgeMs: MAX_AGE_MS }, now)
  if (isRefusal(checked)) return checked
  if (Array.isArray(claims.aud) && claims.aud.length > 1) return invalid('The token is meant for several audiences; one service account\'s token for one service is wanted.')
  const { email } = claims
  if (typeof email !== 'string' || email === '' || email.length > MAX_EMAIL_LENGTH) return invalid('The token names no e-mail address: ask for it with `include_email` or `format=full`.')
  if (claims.email_verified !== true && (emailVerified || claims.email_verified !== undefined)) return invalid('The token\'s e-mail address is not verified by its issuer.')
  const known = email.toLowerCase()
  return callers.has(known) ? { email: known, subject: checked.subject } : refuse('CALLER_REFUSED', { message: 'The token\'s owner may not use this interface.', detail: known })
}

function parse(settings: readonly unknown[], mode: Mode): { readonly issuers: readonly ParsedServiceIssuer[] } | { readonly problems: readonly SettingsProblem[] } {
  const problems: SettingsProblem[] = settings.length === 0 ? [{ path: [], message: 'names no issuer' }] : []
  const issuers: ParsedServiceIssuer[] = []
  for (const [index, entry] of settings.entries()) {
    const parsed = serviceIssuerSchema.safeParse(entry)
    if (!parsed.success) {
      problems.push(...parsed.error.issues.map(({ path, message }) => ({ path: [index, ...path.map((step) => typeof step === 'symbol' ? String(step) : step)], message })))
      continue
    }
    for (const [field, message] of faultsOf(parsed.data, issuers, mode)) problems.push({ path: [index, field], message })
    issuers.push(parsed.data)
  }
  return problems.length > 0 ? { problems } : { issuers }
}

function faultsOf({ issuer, jwks }: ParsedServiceIssuer, earlier: readonly ParsedServiceIssuer[], mode: Mode): readonly (readonly [string, string])[] {
  const faults: (readonly [string, string])[] = []
  const url = issuerUrlProblem(issuer, mode)
  if (url !== undefined) faults.push(['issuer', url])
  if (earlier.some((other) => other.issuer === issuer)) faults.push(['issuer', 'is there twice'])
  const keys = jwks === undefined ? undefined : readKeysSetting(jwks, mode)
  if (keys !== undefined && 'problem' in keys) faults.push(['jwks', keys.problem])
  return faults
}
