/** Finds the grant that covers a call, and lets calls that wait already be covered by one that was given after they asked. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { AccessRequest, Doc, DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { CaseStore, ChangeContext, Extra } from './case-store.ts'
import { grants, grantUses, type GrantDocument } from './collections.ts'
import { forHashOf, grantRef, useFacts, useRef, useWrites, whyEnded } from './grants.ts'
import { coversCall } from './grant-pattern.ts'
import type { RequestStore } from './request-store.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import type { Command } from './state-machine.ts'
import { tally } from './votes.ts'

/** A grant and its next use, as they were read; both are read again in the transaction that takes the use. */
export interface Cover { readonly grant: GrantDocument, readonly use: number }

export interface CoverParts {
  readonly documents: DocumentStore
  readonly store: CaseStore
  readonly requestStore: RequestStore
  readonly rights: RoutingRights
  readonly now: () => number
  readonly log: Log
}

/** Grants for one agent and method that are looked at. */
const MAX_CANDIDATES = 20
/** Waiting calls of one agent that a new grant is tried on. */
const MAX_WAITING = 200
/** Others that may take the same use at the same moment. */
const MAX_ATTEMPTS = 20

export async function findCover({ documents, rights, now }: Pick<CoverParts, 'documents' | 'rights' | 'now'>, request: AccessRequest): Promise<Cover | undefined> {
  const found = await documents.query(grants, { name: 'byUse', equal: { forHash: forHashOf(request), live: true }, from: now(), limit: MAX_CANDIDATES })
  for (const { data: grant } of found.docs) {
    if (!matches(grant, request, rights, now())) continue
    const use = await nextUse(documents, grant)
    if (use !== undefined) return { grant, use }
  }
  return undefined
}

/** The same rule and obligations, the same run where the grant says so, within the pattern, and given by persons who may still give it. */
function matches(grant: GrantDocument, request: AccessRequest, rights: RoutingRights, now: number): boolean {
  if (whyEnded(grant, now) !== undefined || grant.decisionHash !== request.decision.hash || grant.mode !== request.mode) return false
  if (grant.pattern.run && grant.run !== request.agent.run) return false
  const terms = request.decision.obligations.approval
  if (terms === undefined || !coversCall(grant.pattern, grant.rest, request.call)) return false
  const { electorate } = electorsOf(rights, { ...grant, requester: request.agent, terms })
  return tally(grant.votes, electorate, undefined).passed
}

async function nextUse(documents: DocumentStore, { id, pattern }: GrantDocument): Promise<number | undefined> {
  const last = await documents.query(grantUses, { name: 'byGrant', equal: { grant: id }, limit: 1 })
  const use = (last.docs[0]?.data.use ?? 0) + 1
  return use <= pattern.uses ? use : undefined
}

/** In the transaction: the grant still stands and nobody has taken this use. */
export function isFree(cover: Cover, grant: Doc | undefined, use: Doc | undefined, now: number): boolean {
  return use === undefined && cover.use <= cover.grant.pattern.uses && whyEnded(grant?.data as GrantDocument | undefined, now) === undefined
}

/** Lets what waits already and is one of the pattern run as a use of the grant. Those that cannot go on waiting for a person. */
export async function coverWaiting(parts: CoverParts, grant: GrantDocument, issuer: string): Promise<number> {
  const waiting = await parts.documents.query(approvals, { name: 'byAgentState', equal: { issuer, agent: grant.agent, state: 'pending' }, limit: MAX_WAITING })
  const alike = waiting.docs.map(({ data }) => data as ApprovalDocument).filter(({ method, decisionHash }) => method === grant.method && decisionHash === grant.decisionHash)
  let covered = 0
  for (const { id } of alike.reverse()) {
    const request = await parts.requestStore.read(id)
    if (request === undefined || forHashOf(request) !== grant.forHash || !matches(grant, request, parts.rights, parts.now())) continue
    if (await coverOne(parts, grant, id)) covered += 1
  }
  return covered
}

async function coverOne(parts: CoverParts, grant: GrantDocument, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const use = await nextUse(parts.documents, grant)
    if (use === undefined) return false
    const cover: Cover = { grant, use }
    const changed = await parts.store.change(id, (context) => coverCommand(parts.rights, cover, context), takesUse(cover))
    if (isRefusal(changed) && changed.reason === 'OVERLOADED') continue
    if (isRefusal(changed) || changed.refused !== undefined) return false
    parts.log.info({ approval: id, grant: grant.id, use }, 'a waiting call is covered by a grant')
    return true
  }
  return false
}

function coverCommand(rights: RoutingRights, cover: Cover, { current, locks, extra: [grant, use], now }: ChangeContext): Command | Refusal {
  if (use !== undefined) return refuse('OVERLOADED', 'Another call has taken this use of the grant.')
  if (!isFree(cover, grant, use, now)) return refuse('STATE_CHANGED', 'The grant has ended.')
  const { id, votes, until, escalatedAt = current.escalatedAt } = cover.grant
  const given = { ...current, votes, ...escalatedAt === undefined ? {} : { escalatedAt } }
  return {
    kind: 'cover', use: { id, use: cover.use }, votes, until, electorate: electorsOf(rights, given).electorate, ...escalatedAt === undefined ? {} : { escalatedAt },
    ...locks.inForce === undefined ? {} : { lock: locks.inForce },
  }
}

function takesUse({ grant: { id }, use }: Cover): Extra {
  return {
    refs: [grantRef(id), useRef(id, use)],
    writes: ({ extra: [grant], now }, { next }) => useWrites(grant?.data as GrantDocument, use, next, now),
    facts: ({ extra: [grant], now }) => useFacts(grant?.data as GrantDocument, use, now),
  }
}
