/** From the claims of a token whose signature holds to an Agent, by one entry of the issuers' settings. */
import type { CompiledCondition } from '@lockkeeper/conditions'
import type { Agent, Mode } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { checkClaims, isText } from './check-claims.ts'
import { invalid } from './compact-token.ts'
import { isGithubIssuer } from './issuer-url.ts'
import { checkRequirements, compileMapping, compileRequirements, mapAgent, MAX_WORD_LENGTH, type AgentMapping } from './map-agent.ts'
import type { PeopleDirectory } from './people.ts'
import { readChain, resolveSponsor, resolveSubject } from './resolve-people.ts'
import { issuerSettingsSchema, parseIssuers, type ParsedIssuer, type SettingsProblem } from './settings.ts'

/** A subject may stand in for a run, so a run may be as long as a subject. */
const MAX_RUN_LENGTH = 512

type Claims = Readonly<Record<string, unknown>>

export interface CompiledIssuer {
  readonly settings: ParsedIssuer
  readonly requirements: readonly CompiledCondition[]
  readonly mapping: AgentMapping
}

export interface JudgeContext {
  readonly people: PeopleDirectory
  readonly issuers: readonly ParsedIssuer[]
  readonly now: number
  readonly tokenHash: string
}

export function compileIssuers(settings: readonly unknown[], mode: Mode): { readonly issuers: readonly CompiledIssuer[] } | { readonly problems: readonly SettingsProblem[] } {
  const parsed = parseIssuers<ParsedIssuer>(issuerSettingsSchema, settings, mode)
  if ('problems' in parsed) return parsed
  const problems: SettingsProblem[] = []
  const issuers = parsed.issuers.flatMap((issuer, index) => {
    const requirements = compileRequirements(issuer.require, index, problems)
    const mapping = compileMapping(issuer.agent, index, problems)
    return mapping === undefined ? [] : [{ settings: issuer, requirements, mapping }]
  })
  return problems.length > 0 ? { problems } : { issuers }
}

export function judgeClaims({ settings, requirements, mapping }: CompiledIssuer, claims: Claims, { people, issuers, now, tokenHash }: JudgeContext): Agent | Refusal {
  const { name, issuer, maxTokenAgeMs } = settings
  const checked = checkClaims(claims, { issuer, audiences: [settings.audience].flat(), maxTokenAgeMs }, now)
  if (isRefusal(checked)) return checked
  const unmet = checkRequirements(requirements, claims)
  if (unmet !== undefined) return unmet
  const mapped = mapAgent(mapping, claims)
  if (isRefusal(mapped)) return mapped
  const run = mapped.run ?? claims.jti ?? checked.subject
  if (!isText(run, MAX_RUN_LENGTH)) return invalid('The token\'s id (`jti`) cannot name a run: map `agent.run` in its issuer\'s settings.')
  const chain = readChain(people, settings, issuers, claims)
  if (isRefusal(chain)) return chain
  const sponsor = findSponsor(people, settings, mapped.sponsor, claims)
  const { id, labels } = mapped
  return Object.freeze({
    issuer: name, subject: checked.subject, id, run, ...sponsor,
    chain: Object.freeze(chain), labels: Object.freeze(labels), tokenHash, expiresAt: checked.expiresAt,
  })
}

function findSponsor(people: PeopleDirectory, settings: ParsedIssuer, mapped: string | undefined, claims: Claims): Pick<Agent, 'sponsor' | 'sponsorPerson'> {
  const sponsor = settings.agent.sponsor === undefined ? defaultSponsor(people, settings, claims) : mapped
  if (sponsor === undefined) return {}
  const person = resolveSponsor(people, settings, sponsor, claims)
  return person === undefined ? { sponsor } : { sponsor, sponsorPerson: person.id }
}

/** Without a mapping: who started the GitHub run, or a person who lent the agent a token of their own. */
function defaultSponsor(people: PeopleDirectory, settings: ParsedIssuer, claims: Claims): string | undefined {
  if (isGithubIssuer(settings.issuer)) return isText(claims.actor, MAX_WORD_LENGTH) ? claims.actor : undefined
  const subject = claims.sub as string
  return resolveSubject(people, settings, subject) === undefined ? undefined : subject
}
