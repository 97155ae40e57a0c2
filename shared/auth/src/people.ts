/** Persons and the identities that are theirs: where sponsors, chain members and approvers resolve to. */
import type { Person, PersonId, PersonIdentity } from '@lockkeeper/domain'
import { z } from 'zod'

const name = z.string().min(1).max(256)
const identitySchema = z.union([
  /** `issuer`: an issuer's URL, or the name of a configured issuer. */
  z.strictObject({ issuer: name, subject: z.string().min(1).max(512) }),
  z.strictObject({ github: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'is no GitHub login') }),
  z.strictObject({ slack: z.string().regex(/^[A-Z0-9]{2,32}$/, 'is no Slack member id') }),
  z.strictObject({ email: z.email().max(254) }),
])

const personSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be lower-case letters, digits, dots, dashes and underscores'),
  name,
  /** A disabled person decides nothing; what names them still resolves to them. */
  disabled: z.boolean().default(false),
  groups: z.array(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is no group name')).max(100).default([]),
  identities: z.array(identitySchema).max(50).default([]),
})

/** people.yaml, already parsed from YAML. At most 10,000 persons. */
export const peopleDocumentSchema = z.strictObject({
  apiVersion: z.literal('lockkeeper.dev/v1').default('lockkeeper.dev/v1'),
  kind: z.literal('People').default('People'),
  people: z.array(personSchema).max(10_000),
})

export interface PeopleProblem { readonly path: readonly (string | number)[], readonly message: string }

/** Checks a document and gives its persons, or every problem at once. */
export function readPeople(document: unknown): { readonly people: readonly Person[] } | { readonly problems: readonly PeopleProblem[] } {
  const parsed = peopleDocumentSchema.safeParse(document)
  if (!parsed.success) return { problems: parsed.error.issues.map(({ path, message }) => ({ path: path.map((step) => typeof step === 'symbol' ? String(step) : step), message })) }
  const people = parsed.data.people.map((person): Person => ({ ...person, id: person.id as PersonId }))
  const problems = findDuplicates(people)
  return problems.length > 0 ? { problems } : { people }
}

/** One text for each identity, so that equal identities have equal texts. GitHub logins and e-mail addresses have no case. */
function identityKey(identity: PersonIdentity): string {
  if ('issuer' in identity) return JSON.stringify(['subject', identity.issuer, identity.subject])
  if ('github' in identity) return JSON.stringify(['github', identity.github.toLowerCase()])
  if ('email' in identity) return JSON.stringify(['email', identity.email.toLowerCase()])
  return JSON.stringify(['slack', identity.slack])
}

function findDuplicates(people: readonly Person[]): readonly PeopleProblem[] {
  const problems: PeopleProblem[] = []
  const ids = new Set<string>()
  const owners = new Map<string, PersonId>()
  for (const [index, person] of people.entries()) {
    if (ids.has(person.id)) problems.push({ path: ['people', index, 'id'], message: `two persons have the id ${person.id}` })
    ids.add(person.id)
    for (const [place, identity] of person.identities.entries()) {
      const key = identityKey(identity)
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, person.id)
      else problems.push({ path: ['people', index, 'identities', place], message: `the identity already belongs to ${owner}` })
    }
  }
  return problems
}

/** Absence is undefined, or an empty list for groups. Disabled persons are found; who acts on one checks `disabled`. */
export interface PeopleDirectory {
  byId(id: string): Person | undefined
  byIdentity(issuer: string, subject: string): Person | undefined
  byGithub(login: string): Person | undefined
  bySlack(member: string): Person | undefined
  byEmail(address: string): Person | undefined
  /** Members in the order of the document. */
  group(name: string): readonly PersonId[]
}

/** TypeError when an id or identity stands twice: `readPeople` reports that kindly before. */
export function createPeopleDirectory(people: readonly Person[]): PeopleDirectory {
  const [problem] = findDuplicates(people)
  if (problem !== undefined) throw new TypeError(`people: ${problem.message}`)
  const ids = new Map(people.map((person) => [person.id as string, person]))
  const owners = new Map(people.flatMap((person) => person.identities.map((identity) => [identityKey(identity), person])))
  const groups = new Map<string, PersonId[]>()
  for (const person of people) {
    for (const group of new Set(person.groups)) {
      const members = groups.get(group)
      if (members === undefined) groups.set(group, [person.id])
      else members.push(person.id)
    }
  }
  const find = (identity: PersonIdentity): Person | undefined => owners.get(identityKey(identity))
  return {
    byId: (id) => ids.get(id),
    byIdentity: (issuer, subject) => find({ issuer, subject }),
    byGithub: (github) => find({ github }),
    bySlack: (slack) => find({ slack }),
    byEmail: (email) => find({ email }),
    group: (group) => groups.get(group) ?? [],
  }
}
