/** What is known of a pattern grant from its facts, which come twice and in any order. Pure. */
import { sha256 } from '@lockkeeper/domain/digest'
import type { EventData } from '@lockkeeper/domain/events'

export const GRANT_FACTS = ['grant.created', 'grant.revoked', 'grant.ended'] as const
type GrantFactType = typeof GRANT_FACTS[number]
export type GrantFact = { readonly [T in GrantFactType]: { readonly type: T, readonly data: EventData<T>, readonly at: number } }[GrantFactType]

export interface GrantSubject {
  readonly kind: 'grant'
  readonly id: string
  readonly revision: number
  readonly grant: string
  /** Absent until `grant.created` has come. */
  readonly created?: EventData<'grant.created'>
  /** By somebody; what has ended by itself can be revoked all the same, so that nothing approved under it runs any more. */
  readonly revoked?: Pick<EventData<'grant.revoked'>, 'by' | 'reason'> & { readonly at: number }
  readonly ended?: Pick<EventData<'grant.ended'>, 'why' | 'calls' | 'uses'> & { readonly at: number }
}

export function grantSubjectId(grant: string): string {
  return `grant-${sha256(grant)}`
}

export function applyGrant(before: GrantSubject | undefined, fact: GrantFact): GrantSubject {
  const { grant } = fact.data
  const known: GrantSubject = before ?? { kind: 'grant', id: grantSubjectId(grant), revision: 0, grant }
  const next = known.revision + 1
  switch (fact.type) {
    case 'grant.created': return known.created === undefined ? { ...known, created: fact.data, revision: next } : known
    case 'grant.revoked': return known.revoked === undefined ? { ...known, revoked: { by: fact.data.by, reason: fact.data.reason, at: fact.at }, revision: next } : known
    case 'grant.ended': return known.ended === undefined ? { ...known, ended: { why: fact.data.why, calls: fact.data.calls, uses: fact.data.uses, at: fact.at }, revision: next } : known
  }
}

export function isGrantOver({ revoked, ended }: GrantSubject): boolean {
  return revoked !== undefined || ended !== undefined
}
