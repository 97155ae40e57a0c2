/** Who may decide a request (invariant 6). Asked anew at each decision and each claim, because persons get disabled and groups change. */
import type { PeopleDirectory } from '@lockkeeper/auth'
import type { Person, PersonId } from '@lockkeeper/domain'
import type { Requester } from './approval-case.ts'
import type { Electorate } from './state-machine.ts'

/** What the approval service asks of the directory of persons; absence is undefined or an empty list. */
export type People = Pick<PeopleDirectory, 'byId' | 'byIdentity' | 'byGithub' | 'byEmail' | 'group'>

export interface RoutingTerms {
  /** `person:ID` or `group:NAME`; empty: group `approvers`. */
  readonly reviewers: readonly string[]
  readonly quorum: number
}

export interface Route extends Electorate {
  /** Why nobody can ever decide it; undefined while enough persons can. */
  readonly unroutable?: string
}

const DEFAULT_REVIEWERS = ['group:approvers']

/**
 * The eligible reviewers and the quorum in force. A sponsor that resolves to no Person could be any of the reviewers, so
 * two of them must agree: at most one can be the sponsor. `selfApproval` (sandbox only) takes both rules away.
 */
export function route(people: People, requester: Requester, terms: RoutingTerms, selfApproval: boolean): Route {
  const { excluded, sponsorKnown } = requesters(people, requester)
  const named = (terms.reviewers.length === 0 ? DEFAULT_REVIEWERS : terms.reviewers).flatMap((reviewer) => resolve(people, reviewer))
  const eligible = new Set(named.filter((id) => isEnabled(people, id) && (selfApproval || !excluded.has(id))))
  const quorum = Math.max(1, terms.quorum, sponsorKnown || selfApproval ? 1 : 2)
  if (eligible.size >= quorum) return { eligible, quorum }
  const why = sponsorKnown ? '' : ' The agent\'s sponsor is no known person, so two persons must agree.'
  return { eligible, quorum, unroutable: `${quorum} must approve and ${eligible.size} may: requesters and disabled persons do not count.${why}` }
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
