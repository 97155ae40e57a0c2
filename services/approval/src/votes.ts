/** What votes amount to at this moment; pure. */
import type { PersonId } from '@lockkeeper/domain'
import type { Vote } from './approval-case.ts'

/** Who counts at this moment, see routing.ts. */
export interface Electorate { readonly eligible: ReadonlySet<PersonId>, readonly quorum: number }

/** How many approvals there are of how many, and by whom; a vote that breaks the glass counts apart from the others. */
export interface Tally {
  readonly passed: boolean
  readonly by: readonly PersonId[]
  readonly breakGlass: boolean
}

/** Approvals of Persons who may approve at this moment; one who was disabled since counts no more. */
function counted(votes: readonly Vote[], { eligible }: Electorate): readonly PersonId[] {
  return votes.filter(({ person, verdict, breakGlass }) => verdict === 'approve' && breakGlass !== true && eligible.has(person)).map(({ person }) => person)
}

/** Enough reviewers, or enough of those who may break the glass. */
export function tally(votes: readonly Vote[], electorate: Electorate, glass: Electorate | undefined): Tally {
  const by = counted(votes, electorate)
  if (by.length >= electorate.quorum || glass === undefined) return { passed: by.length >= electorate.quorum, by, breakGlass: false }
  const broken = votes.filter(({ person, breakGlass }) => breakGlass === true && glass.eligible.has(person)).map(({ person }) => person)
  return broken.length >= glass.quorum ? { passed: true, by: broken, breakGlass: true } : { passed: false, by, breakGlass: false }
}
