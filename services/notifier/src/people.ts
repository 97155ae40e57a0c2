/** Persons as the notifier needs them: their names, their groups, and where they can be reached. */
import type { Person, PersonId } from '@lockkeeper/domain'
import type { Subject } from './subject.ts'

/** What the notifier asks of the directory of persons; absence is undefined or an empty list. */
export interface People {
  byId(id: string): Person | undefined
  byEmail(address: string): Person | undefined
  group(name: string): readonly PersonId[]
}

/** Persons whom a channel tells themselves: who may decide a request, who gave a grant. Without disabled ones, in the order of the fact. */
export function toldPersons(people: People, subject: Subject, only: readonly string[] | undefined): readonly Person[] {
  const wanted = only === undefined ? undefined : new Set<string>(only.flatMap((one) => members(people, one)))
  return [...new Set(personsOf(subject))].filter((id) => wanted === undefined || wanted.has(id)).map((id) => people.byId(id)).filter((person) => person !== undefined && person.disabled !== true) as Person[]
}

function personsOf(subject: Subject): readonly string[] {
  if (subject.kind === 'approval') return [...subject.asked?.reviewers ?? [], ...subject.escalated?.reviewers ?? []]
  return subject.kind === 'grant' ? subject.created?.by ?? [] : []
}

function members(people: People, reviewer: string): readonly string[] {
  const colon = reviewer.indexOf(':')
  const name = reviewer.slice(colon + 1)
  return reviewer.startsWith('group:') ? people.group(name) : [name]
}

/** Whether a channel with one fixed place tells of this: of reviews always, of locks and notices where the settings say so, of requests for its reviewers and grants by them. */
export function concerns(people: People, subject: Subject, settings: { readonly locks: boolean, readonly notices: boolean, readonly reviewers?: readonly string[] }): boolean {
  switch (subject.kind) {
    case 'lock': return settings.locks
    case 'review': return true
    case 'notice': case 'fatigue': return settings.notices
    // Whoever clicked is told, where they did.
    case 'refusal': return false
    case 'grant': return settings.reviewers === undefined || toldPersons(people, subject, settings.reviewers).length > 0
    case 'approval': return toldPersons(people, subject, settings.reviewers).length > 0
  }
}

export function nameOf(people: People, id: string): string {
  return people.byId(id)?.name ?? id
}

export function slackMember(person: Person): string | undefined {
  return person.identities.flatMap((identity) => 'slack' in identity ? [identity.slack] : [])[0]
}

export function emailAddress(person: Person): string | undefined {
  return person.identities.flatMap((identity) => 'email' in identity ? [identity.email] : [])[0]
}
