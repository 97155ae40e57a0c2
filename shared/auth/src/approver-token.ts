/** An approver's ID token as proof of one decision: it was issued for exactly this digest (invariant 7). */
import { hash, timingSafeEqual } from 'node:crypto'
import type { CompiledCondition } from '@lockkeeper/conditions'
import type { Clock, Mode, Person } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { checkClaims } from './check-claims.ts'
import { invalid } from './compact-token.ts'
import type { Fetch } from './fetch-json.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { checkRequirements, compileRequirements } from './map-agent.ts'
import type { PeopleDirectory } from './people.ts'
import { resolveSubject } from './resolve-people.ts'
import { approverIssuerSettingsSchema, describeProblems, parseIssuers, type ApproverIssuerSettings, type IssuerSettings, type ParsedApproverIssuer, type SettingsProblem } from './settings.ts'
import { createKeySources, verifySignature, warmAll } from './signed-token.ts'

export interface ApproverVerifierOptions {
  readonly issuers: readonly ApproverIssuerSettings[]
  readonly people: PeopleDirectory
  readonly clock: Clock
  readonly mode: Mode
  /** Default: the global fetch. */
  readonly fetch?: Fetch
}

export interface ApproverVerifier {
  /**
   * The Person who decided about the call with that digest. Refusals: TOKEN_INVALID (also: another digest, no known or a
   * disabled Person), ISSUER_UNAVAILABLE. Whether that Person may decide is not asked here.
   */
  verifyApproverToken(token: string, digest: string): Promise<Person | Refusal>
  /** Fetches every issuer's keys. Throws LockkeeperError ISSUER_UNAVAILABLE that names those without usable keys. */
  warm(): Promise<void>
}

/** An ID token says `JWT` or nothing; an access token must not pass for one. */
const ACCEPTED_TYPES = ['jwt']

type Claims = Readonly<Record<string, unknown>>

interface Compiled {
  readonly issuers: readonly ParsedApproverIssuer[]
  readonly requirements: ReadonlyMap<ParsedApproverIssuer, readonly CompiledCondition[]>
}

function compileApproverIssuers(settings: readonly unknown[], mode: Mode): Compiled | { readonly problems: readonly SettingsProblem[] } {
  const parsed = parseIssuers<ParsedApproverIssuer>(approverIssuerSettingsSchema, settings, mode)
  if ('problems' in parsed) return parsed
  const problems: SettingsProblem[] = []
  const requirements = new Map(parsed.issuers.map((issuer, index) => [issuer, compileRequirements(issuer.require, index, problems)]))
  return problems.length > 0 ? { problems } : { issuers: parsed.issuers, requirements }
}

/**
 * Every problem of the settings; empty when they can be used. `agentIssuers` are the issuers of agents' tokens: where an
 * issuer serves both, the audiences must differ, or a token that an agent holds could pass for an approver's.
 */
export function checkApproverIssuerSettings(settings: readonly unknown[], mode: Mode, agentIssuers: readonly Pick<IssuerSettings, 'issuer' | 'audience'>[] = []): readonly SettingsProblem[] {
  const compiled = compileApproverIssuers(settings, mode)
  if ('problems' in compiled) return compiled.problems
  return compiled.issuers.flatMap((issuer, index) => {
    const shared = agentIssuers.filter((other) => other.issuer === issuer.issuer).flatMap(({ audience }) => [audience].flat())
    return [issuer.audience].flat().some((audience) => shared.includes(audience))
      ? [{ path: [index, 'audience'], message: 'is also an audience of agents\' tokens of this issuer' }]
      : []
  })
}

/** TypeError when the settings have problems. Fetches nothing by itself. */
export function createApproverVerifier({ issuers: settings, people, clock, mode, fetch: fetchDocument = fetch }: ApproverVerifierOptions): ApproverVerifier {
  const compiled = compileApproverIssuers(settings, mode)
  if ('problems' in compiled) throw new TypeError(describeProblems(compiled.problems))
  const { issuers, requirements } = compiled
  const sources: ReadonlyMap<string, IssuerKeys> = createKeySources(issuers, { mode, clock, fetch: fetchDocument })
  return {
    warm: () => warmAll(sources),
    async verifyApproverToken(token, digest) {
      const signed = await verifySignature(token, issuers, sources, ACCEPTED_TYPES)
      if (isRefusal(signed)) return signed
      let first: Refusal | undefined
      for (const issuer of signed.issuers) {
        const outcome = judge(issuer, requirements.get(issuer) ?? [], signed.claims, digest, people, clock.now())
        if (!isRefusal(outcome)) return outcome
        first ??= outcome
      }
      return first ?? invalid('The token\'s issuer is not a configured one.')
    },
  }
}

function judge(issuer: ParsedApproverIssuer, requirements: readonly CompiledCondition[], claims: Claims, digest: string, people: PeopleDirectory, now: number): Person | Refusal {
  const audiences = [issuer.audience].flat()
  const checked = checkClaims(claims, { issuer: issuer.issuer, audiences, maxTokenAgeMs: issuer.maxTokenAgeMs }, now)
  if (isRefusal(checked)) return checked
  // OpenID Connect Core 3.1.3.7: with several audiences, the party it was issued to must be ours.
  if (Array.isArray(claims.aud) && claims.aud.length > 1 && !audiences.includes(String(claims.azp))) return invalid('The token was issued to another party (`azp`).')
  if (!isSameDigest(claims.nonce, digest)) return invalid('The token\'s `nonce` is not the digest of this call: it proves no decision about it.')
  const unmet = checkRequirements(requirements, claims)
  if (unmet !== undefined) return unmet
  const person = resolveSubject(people, issuer, checked.subject) ?? (issuer.matchEmail ? byVerifiedEmail(people, claims) : undefined)
  if (person === undefined) return invalid('The token\'s subject is no known person.')
  return person.disabled === true ? invalid('The token\'s subject is a disabled person.') : person
}

/** Compared by hash, so that neither length nor content shows in the time it takes. */
function isSameDigest(nonce: unknown, digest: string): boolean {
  if (typeof nonce !== 'string' || digest === '') return false
  return timingSafeEqual(hash('sha256', nonce, 'buffer'), hash('sha256', digest, 'buffer'))
}

function byVerifiedEmail(people: PeopleDirectory, claims: Claims): Person | undefined {
  return typeof claims.email === 'string' && claims.email_verified === true ? people.byEmail(claims.email) : undefined
}
