/**
 * Grants of patterns: given with an approval, used call by call. A use is a request of its own that the grant has approved, so that it has
 * its exact call, its claim, its receipt and its record like any other; the grant itself is never counted down, each use is a document
 * that is created once (docs/decisions).
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, type CloudEvent, type GrantPattern } from '@lockkeeper/domain/events'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import { DEFAULT_PATTERNS } from '@lockkeeper/domain'
import type { AccessRequest, Doc, Ref, Write } from '@lockkeeper/domain/ports'
import type { ApprovalCase, Vote } from './approval-case.ts'
import { grants, grantUses, KEEP_MS, type GrantDocument, type GrantUseDocument } from './collections.ts'
import { SOURCE } from './facts.ts'
import { fixPattern } from './grant-pattern.ts'
import { instant } from './outcome-texts.ts'

/** A pattern that fits its call and the rule. */
export interface Proposal {
  readonly pattern: GrantPattern
  readonly rest: string
  readonly forHash: string
}

export function grantIdOf(approval: string): string {
  return approval.replace(/^apr_/, 'grt_')
}

export function grantRef(id: string): Ref<GrantDocument> {
  return { collection: grants, id }
}

export function useRef(grant: string, use: number): Ref<GrantUseDocument> {
  return { collection: grantUses, id: `${grant}.${use}` }
}

/** Equal for calls that one grant can cover: the same agent for the same sponsor through the same chain, the same method of the same target. */
export function forHashOf({ agent, call }: Pick<AccessRequest, 'agent' | 'call'>): string {
  const chain = agent.chain.map(({ issuer, subject }) => [issuer ?? null, subject])
  return sha256(serialise(fromPlain(['lockkeeper-grant-for-v1', agent.issuer, agent.id, agent.sponsor ?? null, chain, call.target, call.host, call.verb, call.method])))
}

/** POLICY_DENIED where the rule lets no such pattern through, REQUEST_INVALID where the pattern does not fit the call. */
export function propose(pattern: GrantPattern, request: AccessRequest): Proposal | Refusal {
  const { call, decision: { rule, obligations } } = request
  const bounds = obligations.approval?.patterns ?? DEFAULT_PATTERNS
  const denied = (why: string): Refusal => refuse('POLICY_DENIED', `No pattern was approved: ${why}. The call alone can be.`)
  if (bounds === false) return denied(`the rule ${rule} lets none through`)
  if (call.risk === 'critical' && !bounds.critical) return denied(`the call is of class critical, and the rule ${rule} does not say that it lets patterns of those through`)
  if (pattern.uses > bounds.maxUses) return denied(`the rule ${rule} lets at most ${bounds.maxUses} calls through`)
  if (pattern.forMs > bounds.maxForMs) return denied(`the rule ${rule} lets a pattern stand for at most ${bounds.maxForMs / 60_000} minutes`)
  const fixed = fixPattern(pattern, call)
  if ('problem' in fixed) return refuse('REQUEST_INVALID', `The pattern does not fit ${request.id}: ${fixed.problem}.`)
  return { pattern, rest: fixed.rest, forHash: forHashOf(request) }
}

export function newGrant({ pattern, rest, forHash }: Proposal, approved: ApprovalCase, votes: readonly Vote[], now: number): GrantDocument {
  const { id, requester, method, target, rule, decisionHash, summary, mode, escalatedAt } = approved
  const until = now + pattern.forMs
  return {
    kind: 'grant', id: grantIdOf(id), live: true, approval: id, forHash, agent: requester.id, run: requester.run, method, target, rule, decisionHash, summary, mode,
    pattern, rest, votes, at: now, until, deleteAt: until + KEEP_MS, ...escalatedAt === undefined ? {} : { escalatedAt },
  }
}

export function createdFact(grant: GrantDocument): CloudEvent {
  const { pattern: { uses }, approval, until, votes } = grant
  return cloudEvent('grant.created', SOURCE, `${grant.id}:created`, grant.at, { ...grantFacts(grant), approval, by: votes.map(({ person }) => person), uses, until }, grant.id)
}

function revokedFact(grant: GrantDocument, by: string, reason: string, now: number): CloudEvent {
  return cloudEvent('grant.revoked', SOURCE, `${grant.id}:revoked`, now, { ...grantFacts(grant), by, reason }, grant.id)
}

/** The grant has let its last call through. */
function usedUpFact(grant: GrantDocument, now: number): CloudEvent {
  return endedFact(grant, 'used', grant.pattern.uses, now)
}

/** The grant's time is over; it has let `calls` through. */
export function expiredFact(grant: GrantDocument, calls: number, now: number): CloudEvent {
  return endedFact(grant, 'expired', calls, now)
}

function endedFact(grant: GrantDocument, why: 'used' | 'expired', calls: number, now: number): CloudEvent {
  return cloudEvent('grant.ended', SOURCE, `${grant.id}:ended`, now, { ...grantFacts(grant), why, calls, uses: grant.pattern.uses }, grant.id)
}

function grantFacts({ id, agent, run, method, rule, mode, pattern }: GrantDocument) {
  return { grant: id, agent, method, resources: [...pattern.resources], rule, mode, ...pattern.run ? { run } : {} }
}

/** The end of a grant before its time; nothing where there is none, or it has ended so already. */
export function endGrant(doc: Doc | undefined, by: string, reason: string, now: number): { readonly writes: readonly Write[], readonly facts: readonly CloudEvent[], readonly ended?: GrantDocument } {
  const before = doc?.data as GrantDocument | undefined
  if (before === undefined || before.revoked !== undefined) return { writes: [], facts: [] }
  const ended: GrantDocument = { ...before, live: false, revoked: { by, reason, at: now } }
  return { writes: [{ kind: 'put', ref: grantRef(before.id), data: ended }], facts: [revokedFact(ended, by, reason, now)], ended }
}

/** Why nothing may be done under the grant any more, in words for the agent; undefined while something may. */
export function whyEnded(grant: GrantDocument | undefined, now: number): string | undefined {
  if (grant === undefined) return 'The grant that approved the call is no longer kept.'
  if (grant.revoked !== undefined) return `The grant ${grant.id} was revoked at ${instant(grant.revoked.at)}.`
  return now >= grant.until ? `The grant ${grant.id} ended at ${instant(grant.until)}.` : undefined
}

/** What taking a use tells: that it was the last one. */
export function useFacts(grant: GrantDocument, use: number, now: number): readonly CloudEvent[] {
  return use < grant.pattern.uses ? [] : [usedUpFact(grant, now)]
}

/** What taking a use writes; `grant` as it is in this transaction. The last one takes the grant off the list of those that are looked through. */
export function useWrites(grant: GrantDocument, use: number, { id, digest, requester, summary }: ApprovalCase, now: number): readonly Write[] {
  const data: GrantUseDocument = { grant: grant.id, use, approval: id, digest, run: requester.run, summary, at: now, deleteAt: grant.until + KEEP_MS }
  const last: readonly Write[] = use < grant.pattern.uses ? [] : [{ kind: 'put', ref: grantRef(grant.id), data: { ...grant, live: false } satisfies GrantDocument }]
  return [{ kind: 'create', ref: useRef(grant.id, use), data }, ...last]
}
