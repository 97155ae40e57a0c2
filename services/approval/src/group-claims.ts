/** Groups that an approver's own identity provider names in the ID token of a decision, translated by settings into ours. */
import { z } from 'zod'

export const groupClaimSchema = z.strictObject({
  /** The token's `iss`. */
  issuer: z.url(),
  /** Claim that holds a group's name or a list of them. */
  claim: z.string().min(1).max(200),
  /** From the provider's names to ours, as rules write them after `group:`. What stands in neither is no group. */
  groups: z.record(z.string().min(1).max(512), z.string().regex(/^[A-Za-z0-9@._-]{1,100}$/, 'is no group name')),
})
export type GroupClaim = z.infer<typeof groupClaimSchema>

/** Names that are looked at in one claim. */
const MAX_NAMES = 1_000

/** `claims` are those of a verified token. */
export function groupsIn(claims: Readonly<Record<string, unknown>>, settings: readonly GroupClaim[]): readonly string[] {
  const found = settings.filter(({ issuer }) => issuer === claims['iss']).flatMap(({ claim, groups }) => {
    const named: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    const names: readonly unknown[] = Array.isArray(named) ? named.slice(0, MAX_NAMES) : [named]
    return names.flatMap((name) => typeof name === 'string' && Object.hasOwn(groups, name) ? [groups[name] as string] : [])
  })
  return [...new Set(found)]
}

/** Every group of ours that some provider may name. */
export function outsideGroups(settings: readonly GroupClaim[]): ReadonlySet<string> {
  return new Set(settings.flatMap(({ groups }) => Object.values(groups)))
}
