/** Who may decide a request (invariant 6). Asked anew at each decision and each claim, because persons get disabled and groups change. */
import type { PeopleDirectory } from '@lockkeeper/auth'
import type { Person, PersonId } from '@lockkeeper/domain'
import type { ApprovalCase, Requester, Vote } from './approval-case.ts'
import type { Electorate } from './votes.ts'

/** What the approval service asks of the directory of persons; absence is undefined or an empty list. */
export type People = Pick<PeopleDirectory, 'byId' | 'byIdentity' | 'byGithub' | 'byEmail' | 'group'>

export interface RoutingTerms {
  /** `person:ID` or `group:NAME`; empty: group `approvers`. */
  readonly reviewers: readonly string[]
  readonly quorum: number
}

export interface RoutingRights {
  readonly people: People
  /** Sandbox only: requesters may decide too. */
  readonly selfApproval: boolean
  /** Groups whose members an approvers' identity provider names; they cannot be listed beforehand. */
  readonly outsideGroups: ReadonlySet<string>
}

/** A person and the outside groups that their own identity provider vouches for. */
export type Proven = Pick<Vote, 'person' | 'groups'>

export interface Route extends Electorate {
  /** Why nobody can ever decide it; undefined while enough persons can. */
  readonly unroutable?: string
}

/** Who may decide a case, and who may break the glass. */
export interface Electors {
  readonly electorate: Electorate
  readonly glass?: Electorate
}

const DEFAULT_REVIEWERS = ['group:approvers']

/**
 * The eligible reviewers and the quorum in force. A sponsor that resolves to no Person could be any of the reviewers, so
 * two of them must agree: at most one can be the sponsor. `selfApproval` (sandbox only) takes both rules away.
 */
export function route({ people, selfApproval, outsideGroups }: RoutingRights, requester: Requester, terms: RoutingTerms, proven: readonly Proven[] = []): Route {
  const { excluded, sponsorKnown } = requesters(people, requester)
  const reviewers = namedReviewers(terms)
  const outside = reviewers.filter((reviewer) => reviewer.startsWith('group:') && outsideGroups.has(reviewer.slice(6)))
  const named = [
    ...reviewers.flatMap((reviewer) => resolve(people, reviewer)),
    ...proven.filter(({ groups = [] }) => groups.some((group) => outside.includes(`group:${group}`))).map(({ person }) => person),
  ]
  const eligible = new Set(named.filter((id) => isEnabled(people, id) && (selfApproval || !excluded.has(id))))
  const quorum = Math.max(1, terms.quorum, sponsorKnown || selfApproval ? 1 : 2)
  if (eligible.size >= quorum || outside.length > 0) return { eligible, quorum }
  const why = sponsorKnown ? '' : ' The agent\'s sponsor is no known person, so two persons must agree.'
  return { eligible, quorum, unroutable: `${quorum} must approve and ${eligible.size} may: requesters and disabled persons do not count.${why}` }
}

function namedReviewers({ reviewers }: Pick<RoutingTerms, 'reviewers'>): readonly string[] {
  return reviewers.length === 0 ? DEFAULT_REVIEWERS : reviewers
}

/** The terms once nobody has decided in time: more may decide, and as many must. */
export function escalatedTerms(terms: ApprovalCase['terms']): RoutingTerms {
  return { reviewers: [...namedReviewers(terms), ...terms.escalate?.reviewers ?? []], quorum: terms.quorum }
}

/** Who may decide a case at this moment; `arriving` is the vote that is about to be cast. */
export function electorsOf(rights: RoutingRights, { requester, terms, votes, escalatedAt }: Pick<ApprovalCase, 'requester' | 'terms' | 'votes' | 'escalatedAt'>, arriving?: Proven): Electors {
  const proven = arriving === undefined ? votes : [...votes, arriving]
  const electorate = route(rights, requester, escalatedAt === undefined ? terms : escalatedTerms(terms), proven)
  if (terms.breakGlass === undefined) return { electorate }
  return { electorate, glass: route(rights, requester, { reviewers: terms.breakGlass, quorum: 1 }, proven) }
}

function resolve(people: People, reviewer: string): readonly PersonId[] {
  const [kind, name = ''] = split(reviewer)
  if (kind === 'group') return people.group(name)
  const person = kind === 'person' ? people.byId(name) : undefined
  return person === undefined ? [] : [person.id]
}

function split(reviewer: string): readonly [string, string?] {
  const colon = reviewer.indexOf(':')
  return colon < 0 ? [reviewer] : [reviewer.slice(0, colon), reviewer.slice(colon + 1)]
}

function isEnabled(people: People, id: PersonId): boolean {
  const person = people.byId(id)
  return person !== undefined && person.disabled !== true
}

/** Everyone who is, sponsors or delegates to the agent: as its token was resolved, and as this directory resolves it. */
function requesters(people: People, requester: Requester): { readonly excluded: ReadonlySet<PersonId>, readonly sponsorKnown: boolean } {
  const sponsors = [
    requester.sponsorPerson === undefined ? undefined : people.byId(requester.sponsorPerson),
    ...requester.sponsor === undefined ? [] : resolveText(people, requester.issuer, requester.sponsor),
  ].filter((person) => person !== undefined)
  const chain = requester.chain.flatMap(({ issuer, subject, person }) => [
    ...person === undefined ? [] : [person],
    ...resolveText(people, issuer ?? requester.issuer, subject).map(({ id }) => id),
  ])
  const itself = people.byIdentity(requester.issuer, requester.subject)
  const excluded = new Set([...sponsors.map(({ id }) => id), ...chain, ...itself === undefined ? [] : [itself.id]])
  return { excluded, sponsorKnown: sponsors.length > 0 }
}

/** A name in a token may be a subject, an e-mail address or a GitHub login: whoever it could be is a requester. */
function resolveText(people: People, issuer: string, text: string): readonly Person[] {
  return [people.byIdentity(issuer, text), people.byEmail(text), people.byGithub(text)].filter((person) => person !== undefined)
}
