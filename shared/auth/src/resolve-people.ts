/** Who stands behind a token: its sponsor and its delegation chain as Persons (invariant 6 compares Persons, never names). */
import type { Agent, Person } from '@lockkeeper/domain'
import type { Refusal } from '@lockkeeper/domain/errors'
import { isText } from './check-claims.ts'
import { invalid } from './compact-token.ts'
import { isGithubIssuer } from './issuer-url.ts'
import type { PeopleDirectory } from './people.ts'

/** Actors in one delegation chain. */
const MAX_CHAIN = 10
const MAX_NAME_LENGTH = 512

type Claims = Readonly<Record<string, unknown>>
type ChainMember = Agent['chain'][number]

/** A configured issuer: people.yaml may name it by URL or by its configured name. */
export interface KnownIssuer { readonly name: string, readonly issuer: string }

/** The Person with that subject. Two Persons, one under the URL and one under the name, are as good as none. */
export function resolveSubject(people: PeopleDirectory, issuer: KnownIssuer, subject: string): Person | undefined {
  const byUrl = people.byIdentity(issuer.issuer, subject)
  const byName = people.byIdentity(issuer.name, subject)
  return byUrl === undefined || byName === undefined || byUrl === byName ? byUrl ?? byName : undefined
}

/**
 * A sponsor as the token says it: a GitHub login for GitHub's issuer; elsewhere a subject of the same issuer, else an
 * e-mail address unless the token itself says that the address is not verified.
 */
export function resolveSponsor(people: PeopleDirectory, issuer: KnownIssuer, sponsor: string, claims: Claims): Person | undefined {
  if (isGithubIssuer(issuer.issuer)) return people.byGithub(sponsor)
  return resolveSubject(people, issuer, sponsor) ?? (claims.email_verified === false ? undefined : people.byEmail(sponsor))
}

/**
 * The chain of `act` claims (RFC 8693 section 4.1), outermost actor first. A subject that is a Person's own closes the
 * chain: it is the party on whose behalf all the others act.
 */
export function readChain(people: PeopleDirectory, issuer: KnownIssuer, issuers: readonly KnownIssuer[], claims: Claims): readonly ChainMember[] | Refusal {
  const chain: ChainMember[] = []
  for (let actor = claims.act; actor !== undefined; actor = (actor as Claims).act) {
    if (chain.length === MAX_CHAIN) return invalid(`The token's delegation chain (\`act\`) is longer than ${MAX_CHAIN} actors.`)
    const member = readActor(people, issuer, issuers, actor)
    if (member === undefined) return invalid('The token\'s delegation chain (`act`) has an actor without a usable subject.')
    chain.push(member)
  }
  const subject = claims.sub as string
  const person = resolveSubject(people, issuer, subject)
  return person === undefined ? chain : [...chain, { issuer: issuer.issuer, subject, person: person.id }]
}

function readActor(people: PeopleDirectory, issuer: KnownIssuer, issuers: readonly KnownIssuer[], actor: unknown): ChainMember | undefined {
  if (typeof actor !== 'object' || actor === null || Array.isArray(actor)) return undefined
  const { sub, iss } = actor as Claims
  if (!isText(sub, MAX_NAME_LENGTH)) return undefined
  if (iss === undefined) return withPerson({ subject: sub }, resolveSubject(people, issuer, sub))
  if (!isText(iss, MAX_NAME_LENGTH)) return undefined
  const known = issuers.find((candidate) => candidate.issuer === iss)
  return withPerson({ issuer: iss, subject: sub }, known === undefined ? people.byIdentity(iss, sub) : resolveSubject(people, known, sub))
}

function withPerson(member: ChainMember, person: Person | undefined): ChainMember {
  return person === undefined ? member : { ...member, person: person.id }
}
