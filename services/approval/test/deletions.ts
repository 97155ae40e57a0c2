/** Tests only: deletions of objects, which approvers like to approve by the dozen. */
import type { GrantPattern } from '@lockkeeper/domain/events'
import type { Agent, ApprovalTerms } from '@lockkeeper/domain'
import type { AccessRequest, CanonicalCall } from '@lockkeeper/domain/ports'
import { aCanonicalCall } from '@lockkeeper/testkit'
import { granted, type Ask, type World } from './harness.ts'

export const HOUR = 3_600_000

export const PATTERN: GrantPattern = { resources: ['//storage.googleapis.com/projects/_/buckets/tmp/objects/*'], arguments: { object: { any: true } }, run: false, uses: 5, forMs: HOUR }

export function deletion(name: string, changes: Partial<CanonicalCall> = {}): CanonicalCall {
  return aCanonicalCall({
    method: 'storage.objects.delete', risk: 'high', verb: 'DELETE', host: 'storage.googleapis.com', path: `/storage/v1/b/tmp/o/${name}`,
    resources: [`//storage.googleapis.com/projects/_/buckets/tmp/objects/${name}`], arguments: { bucket: 'tmp', object: name }, body: { kind: 'none' }, ...changes,
  })
}

export interface Given { readonly first: AccessRequest, readonly grant: string, readonly agent: AccessRequest['agent'] }

/** Asks for one deletion, which bo approves together with those like it. */
export async function giveGrant(world: World, agent: Partial<Agent>, changes: { readonly pattern?: Partial<GrantPattern>, readonly terms?: Partial<ApprovalTerms>, readonly call?: CanonicalCall } = {}): Promise<Given> {
  const first = await world.raise({ agent, call: changes.call ?? deletion('first'), ...changes.terms === undefined ? {} : { terms: changes.terms } })
  const { grant } = granted(await world.service().admin.decide(world.signed(first, 'bo', 'approve', { grant: { ...PATTERN, ...changes.pattern } })))
  if (grant === undefined) throw new Error('no grant was given')
  return { first, grant, agent: first.agent }
}

/** Asks for another deletion of the same agent and run. */
export function deleteMore(world: World, { agent }: Pick<Given, 'agent'>, name: string, changes: Ask = {}): Promise<AccessRequest> {
  return world.raise({ agent, call: deletion(name), ...changes })
}
