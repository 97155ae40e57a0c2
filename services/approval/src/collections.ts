/** What the approval service keeps for itself. Proxies see `approvals` and `locks` (shared/domain) and nothing of this. */
import type { GrantPattern } from '@lockkeeper/domain/events'
import type { Mode, PersonId } from '@lockkeeper/domain'
import type { AccessRequest, Collection } from '@lockkeeper/domain/ports'
import type { ApprovalCase, CaseState, Vote } from './approval-case.ts'

const DAY_MS = 86_400_000
/** How long settled cases, slots and runs are kept. */
export const KEEP_MS = 30 * DAY_MS
/** How long handled events and used proofs are remembered; longer than any redelivery and any proof's life. */
export const REMEMBER_MS = 7 * DAY_MS

/** The whole state of one request. Id = approval id. */
export type CaseDocument = ApprovalCase & {
  readonly stateName: CaseState['state']
  /** False once retired: nothing more happens to it by itself. */
  readonly open: boolean
  /** Epoch ms at which time itself changes it next. */
  readonly dueAt: number
  readonly deleteAt: number
}
export const cases: Collection<CaseDocument> = {
  name: 'approval-cases',
  ttlField: 'deleteAt',
  queries: { due: { equal: ['open'], order: { field: 'dueAt', direction: 'asc' } } },
}

/** The call as it was asked for; removed when the case retires, so that no body outlives its use. Id = approval id. */
export interface RequestDocument {
  readonly request?: AccessRequest
  /** Where a large request lies instead. */
  readonly blob?: string
  readonly deleteAt: number
}
export const requests: Collection<RequestDocument> = { name: 'approval-requests', ttlField: 'deleteAt', queries: {} }

/** The newest case under one attach key. Id = attach hash. */
export interface Slot { readonly approval: string, readonly deleteAt: number }
export const slots: Collection<Slot> = { name: 'approval-slots', ttlField: 'deleteAt', queries: {} }

/** The newest case of one method in one run, for the difference on the next card. Id = hash of issuer, agent, run and method. */
export const threads: Collection<Slot> = { name: 'approval-threads', ttlField: 'deleteAt', queries: {} }

/** An id that a proxy gave to a call which shares another one's request. Id = the proxy's id. */
export interface Alias { readonly approval: string, readonly deleteAt: number }
export const aliases: Collection<Alias> = { name: 'approval-aliases', ttlField: 'deleteAt', queries: {} }

/** Rewritten with every request of one agent, so that its requests are counted one after the other. Id = hash of issuer and agent. */
export interface Gate { readonly count: number, readonly deleteAt: number }
export const gates: Collection<Gate> = { name: 'approval-gates', ttlField: 'deleteAt', queries: {} }

/** The last run of one digest, whoever ran it. Id = digest. */
export interface Run {
  readonly approval: string
  readonly agent: string
  readonly run: string
  readonly at: number
  readonly outcome: 'answered' | 'unknown'
  readonly status?: number
  readonly deleteAt: number
}
export const runs: Collection<Run> = { name: 'approval-runs', ttlField: 'deleteAt', queries: {} }

/** A claim that was made under a name of the caller's own, so that the same question gets the same answer. Id = hash of holder and name. */
export interface NamedClaim { readonly approval: string, readonly fence: string, readonly deleteAt: number }
export const namedClaims: Collection<NamedClaim> = { name: 'approval-named-claims', ttlField: 'deleteAt', queries: {} }

/** Events that were handled; with `poisoned` those that can never be. Id = hash of source and event id. */
export interface InboxEntry {
  readonly type: string
  readonly source: string
  readonly event: string
  readonly at: number
  readonly poisoned: boolean
  readonly why?: string
  readonly deleteAt: number
}
export const inbox: Collection<InboxEntry> = {
  name: 'approval-inbox',
  ttlField: 'deleteAt',
  queries: { byPoisoned: { equal: ['poisoned'], order: { field: 'at', direction: 'desc' } } },
}

/** Proofs that were used once. Id = hash of what was signed. */
export interface UsedProof { readonly approval: string, readonly at: number, readonly deleteAt: number }
export const usedProofs: Collection<UsedProof> = { name: 'approval-proofs', ttlField: 'deleteAt', queries: {} }

/** Decisions that were refused, and why. Id = hash of the proof and the time. */
export interface RefusedDecision {
  readonly approval: string
  readonly at: number
  readonly person?: string
  readonly verdict: 'approve' | 'deny'
  readonly reason: string
  readonly why: string
  readonly deleteAt: number
}
export const refusedDecisions: Collection<RefusedDecision> = {
  name: 'approval-refused-decisions',
  ttlField: 'deleteAt',
  queries: { byApproval: { equal: ['approval'], order: { field: 'at', direction: 'desc' } } },
}

/** The right to a pattern of calls. Not rewritten by its uses, but for the last: those are documents of their own. Id = `grt_` and the rest of its approval's id. */
export interface GrantDocument {
  readonly kind: 'grant'
  readonly id: string
  /** False once revoked or used up; one that is past its end may still be live. */
  readonly live: boolean
  /** The request with which it was given. */
  readonly approval: string
  /** Hash of whom and what it is for: issuer, agent, sponsor, delegation chain, target, host, verb and method. */
  readonly forHash: string
  readonly agent: string
  readonly run: string
  readonly method: string
  readonly target: string
  readonly rule: string
  readonly decisionHash: string
  readonly summary: string
  readonly mode: Mode
  readonly pattern: GrantPattern
  /** What the pattern leaves as it was in the call that was shown, see fixPattern. */
  readonly rest: string
  /** Of those who gave it; asked anew at each use. */
  readonly votes: readonly Vote[]
  /** As in the case with which it was given: who may decide depends on it. */
  readonly escalatedAt?: number
  readonly at: number
  /** Epoch ms of its end. */
  readonly until: number
  readonly revoked?: { readonly by: string, readonly reason: string, readonly at: number }
  readonly deleteAt: number
}
export const grants: Collection<GrantDocument> = {
  name: 'approval-grants',
  ttlField: 'deleteAt',
  queries: {
    /** Those that may cover a call, by their end. */
    byUse: { equal: ['forHash', 'live'], order: { field: 'until', direction: 'asc' } },
    byLive: { equal: ['live'], order: { field: 'until', direction: 'desc' } },
    all: { equal: ['kind'], order: { field: 'at', direction: 'desc' } },
  },
}

/** One use of a grant: created once and never changed, so that no use is counted twice. Id = grant's id, a dot and the number. */
export interface GrantUseDocument {
  readonly grant: string
  /** From 1. */
  readonly use: number
  readonly approval: string
  readonly digest: string
  readonly run: string
  readonly summary: string
  readonly at: number
  readonly deleteAt: number
}
export const grantUses: Collection<GrantUseDocument> = {
  name: 'approval-grant-uses',
  ttlField: 'deleteAt',
  queries: { byGrant: { equal: ['grant'], order: { field: 'use', direction: 'desc' } } },
}

/** What break-glass leaves to be looked at by another person. Id = `rev_` and the rest of its approval's id. */
export interface ReviewDocument {
  readonly kind: 'review'
  readonly id: string
  readonly open: boolean
  readonly approval: string
  /** Who broke the glass, and why. */
  readonly by: readonly string[]
  readonly reason: string
  readonly summary: string
  readonly rule: string
  /** What is asked of the case long after it is gone: who had a part in it. */
  readonly of: Pick<ApprovalCase, 'id' | 'requester' | 'terms' | 'votes' | 'escalatedAt' | 'method' | 'resources' | 'mode' | 'expiresAt'>
  readonly at: number
  readonly closed?: { readonly by: string, readonly note: string, readonly at: number }
  /** Once closed: an open one is kept for ever. */
  readonly deleteAt?: number
}
export const reviews: Collection<ReviewDocument> = {
  name: 'approval-reviews',
  ttlField: 'deleteAt',
  queries: { byOpen: { equal: ['open'], order: { field: 'at', direction: 'desc' } } },
}

/** What was asked on one day (UTC), of one person or by one rule; `*` names all rules together. Id = hash of kind, day and name. */
export interface LoadDocument {
  readonly kind: 'person' | 'rule'
  readonly name: string
  /** `2026-11-24`. */
  readonly day: string
  /** Requests that were put before the person, or that the rule made. */
  readonly asked: number
  readonly approved: number
  readonly denied: number
  /** Approvals within 3 s of the request. */
  readonly fast: number
  /** Decisions by how long they took: number of a bucket of load-buckets.ts, and how many. */
  readonly waits: Readonly<Record<string, number>>
  /** The policy's owner was told that day. */
  readonly noticed?: true
  readonly deleteAt: number
}
export const load: Collection<LoadDocument> = {
  name: 'approval-load',
  ttlField: 'deleteAt',
  queries: { byKind: { equal: ['kind'], order: { field: 'day', direction: 'desc' } } },
}

/** A passkey of a person; public parts only. Id = hash of the credential's id. */
export interface PasskeyDocument {
  readonly kind: 'passkey'
  readonly id: string
  readonly person: PersonId
  /** What its owner calls it. */
  readonly label: string
  /** Credential id, base64url. */
  readonly credential: string
  /** COSE key (RFC 9052), base64url. */
  readonly publicKey: string
  /** Signature counter of its last use; 0 for ever where the authenticator has none. */
  readonly counter: number
  readonly at: number
  readonly usedAt?: number
}
export const passkeys: Collection<PasskeyDocument> = {
  name: 'approval-passkeys',
  queries: { byPerson: { equal: ['person'], order: { field: 'at', direction: 'desc' } } },
}
