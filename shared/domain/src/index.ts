/** The words of Lockkeeper: plain data, readonly everywhere, the same in code, events, records and screens. */

import type { JsonObject } from './json.ts'

declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** `sandbox` speaks to test parts only, `real` to real ones; the two never mix (invariant 14). */
export type Mode = 'sandbox' | 'real'

/** Discovery id: `storage.objects.delete`. */
export type MethodId = string
export type PersonId = Brand<string, 'PersonId'>

/** How far the agent is kept away from the gateway's own files and keys (docs/architecture.md). */
export type IsolationLevel = 'none' | 'user' | 'container'

/** A verified caller. Made by shared/auth only. */
export interface Agent {
  /** Name of the configured issuer, not its URL. */
  readonly issuer: string
  readonly subject: string
  readonly id: string
  /** One task of the agent. Without a mapping: the token's `jti`, else its subject. */
  readonly run: string
  /** The human it works for, as the token says it; `sponsorPerson` when it resolves to a Person. */
  readonly sponsor?: string
  readonly sponsorPerson?: PersonId
  /** Delegation chain (RFC 8693 `act`), outermost actor first, each resolved to a Person where possible. */
  readonly chain: readonly { readonly issuer?: string, readonly subject: string, readonly person?: PersonId }[]
  readonly labels: Readonly<Record<string, string>>
  /** SHA-256 of the bearer token, base64url: names the token without being one. */
  readonly tokenHash: string
  /** Epoch ms at which the token ends (exp, without tolerance). */
  readonly expiresAt: number
}

/** A human with linked identities, written by admins. */
export interface Person {
  readonly id: PersonId
  readonly name: string
  readonly disabled?: boolean
  readonly groups: readonly string[]
  readonly identities: readonly PersonIdentity[]
}
export type PersonIdentity =
  | { readonly issuer: string, readonly subject: string }
  | { readonly github: string }
  | { readonly slack: string }
  | { readonly email: string }

export type RiskClass = 'critical' | 'high' | 'medium' | 'sensitive-read' | 'change' | 'read'

/** What the catalog knows of an API method. */
export interface Method {
  /** Discovery id: `storage.objects.delete`. */
  readonly id: MethodId
  /** Host without version: `storage.googleapis.com`. */
  readonly host: string
  /** API name and version as in Discovery: `storage`, `v1`. */
  readonly api: string
  readonly version: string
  readonly verb: string
  readonly template: string
  readonly change: boolean
  readonly risk: RiskClass
  /** Hands out a credential: denied whatever policy says. */
  readonly mintsCredential: boolean
  /** Its answer is a secret: neither body nor receipt is kept. */
  readonly returnsSecret: boolean
  /** Answers with an operation that is polled. */
  readonly longRunning: boolean
  /** Query or body field that makes a repeat harmless (`requestId`, `jobReference.jobId`), where the API has one. */
  readonly dedupeKey?: string
  /** Query or body field that makes the call depend on the resource's state (`ifGenerationMatch`, `etag`, `fingerprint`). */
  readonly precondition?: string
  /** The method that reads what this one replaces (`…getIamPolicy` for `…setIamPolicy`). */
  readonly reader?: MethodId
}

export type CallBody =
  | { readonly kind: 'none' }
  /** Parsed strictly and re-serialised: `bytes` are what was judged and what is sent. */
  | { readonly kind: 'json', readonly value: JsonObject, readonly bytes: Uint8Array }
  /** Content unseen; `metadata` is the JSON part of a multipart upload, re-serialised. */
  | { readonly kind: 'media', readonly contentType: string, readonly size?: number, readonly checksum?: string, readonly metadata?: JsonObject }

/** One request understood. */
export interface Call {
  /** Name of the registered target. */
  readonly target: string
  readonly method: Method
  /** The host the agent meant: `storage.googleapis.com`. */
  readonly host: string
  /** Path and query exactly as they are sent upstream. */
  readonly path: string
  readonly query: string
  /** Full resource names (AIP-122): `//storage.googleapis.com/projects/_/buckets/b/objects/o`. */
  readonly resources: readonly string[]
  /** Path parameters and query arguments, decoded, plus `header.X-Goog-User-Project` where sent. */
  readonly arguments: Readonly<Record<string, string>>
  readonly body: CallBody
  /** Upload or download variant of the method. */
  readonly media: 'none' | 'upload-simple' | 'upload-multipart' | 'upload-resumable' | 'download'
  /** What an IAM policy change adds and removes, where that is known. */
  readonly iam?: IamChange
  /** Places that the gateway filled in itself, so that the call takes effect beside the state that was judged only: see CanonicalCall.bound. */
  readonly bound?: readonly string[]
}

export interface IamChange {
  /** `role member` pairs. `known` is false while the policy in force has not been read: `added` is then all that is sent. */
  readonly known: boolean
  readonly added: readonly { readonly role: string, readonly member: string, readonly condition?: string }[]
  readonly removed: readonly { readonly role: string, readonly member: string, readonly condition?: string }[]
  readonly auditConfigsChanged: boolean
}

export type Effect = 'allow' | 'deny' | 'approve'

/** What must be done with an allowed or approved call; obligations of all matching rules are united. */
export interface Obligations {
  readonly mask: MaskPlan
  readonly notify: boolean
  /** Answer bytes at most; undefined: no limit. */
  readonly maxResponseBytes?: number
  readonly approval?: ApprovalTerms
}

export interface MaskPlan {
  /** Detector names or sets of them (`personal-data`, `secrets`), sorted. */
  readonly detectors: readonly string[]
  /** Field paths (`items[].owner.email`, `*.password`), sorted. */
  readonly fields: readonly string[]
}

export interface ApprovalTerms {
  /** `person:ID` or `group:NAME`. Empty: any Person of group `approvers`. */
  readonly reviewers: readonly string[]
  /** Distinct Persons that must approve, at least 1. */
  readonly quorum: number
  /** Ms from the request to its expiry. Default 30 min. */
  readonly expiresMs: number
  readonly reasonRequired: boolean
  /** Ms that one request is held open for; 5,000 to 55,000. Default: the gateway's `hold`. */
  readonly holdMs?: number
  /** Who may decide too, `person:ID` or `group:NAME`, once nobody has for so many ms. Default: nobody. */
  readonly escalate?: { readonly afterMs: number, readonly reviewers: readonly string[] }
  /** Whether an approver may let a pattern of calls through. Default: DEFAULT_PATTERNS. */
  readonly patterns?: false | PatternTerms
  /** `person:ID` or `group:NAME`: who may let the call through at once and alone, for a reason that another Person reviews. Default: nobody. */
  readonly breakGlass?: readonly string[]
  /**
   * Whether a call whose resource's state cannot be read is refused or asked for without it. Default: `required` for methods with a
   * getter, `best-effort` for those without.
   */
  readonly state?: 'required' | 'best-effort'
  /** False: the API is not asked beforehand what it would say to the call. Default: it is, where it can check a call without doing it. */
  readonly validate?: false
}

/** How far a grant of a pattern may go. */
export interface PatternTerms {
  /** Calls at most. */
  readonly maxUses: number
  /** Ms at most from the approval to the grant's end. */
  readonly maxForMs: number
  /** Also for calls of class critical. */
  readonly critical: boolean
}

/** Of rules that say nothing of patterns: 20 calls within 8 hours, none of class critical. */
export const DEFAULT_PATTERNS: PatternTerms = { maxUses: 20, maxForMs: 8 * 3_600_000, critical: false }

export interface Decision {
  readonly effect: Effect
  /** `policy/rule`, or `builtin/…` for what no rule can change. */
  readonly rule: string
  readonly message?: string
  /** Public sentences: why this effect. */
  readonly reasons: readonly string[]
  readonly obligations: Obligations
  /** SHA-256 over winning rule and obligations: an approval stands while this stays the same (invariant 4). */
  readonly hash: string
  /** Version of the bundle that decided. */
  readonly bundle: string
  /** Smallest change that policy would allow, in words; only on deny, where one exists. */
  readonly wouldAllow?: string
  /** Rules whose `when` failed, with the effect that this had. */
  readonly conditionErrors: readonly string[]
}

export type ApprovalState =
  | 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled'
  /** Claimed by one proxy and not finished yet. */
  | 'claimed'
  /** Finished: the receipt says how. */
  | 'answered' | 'unknown'

export type LockScope =
  | { readonly kind: 'everything' }
  | { readonly kind: 'agent', readonly agent: string }
  | { readonly kind: 'run', readonly run: string }
  | { readonly kind: 'target', readonly target: string }

export interface Lock {
  readonly id: string
  readonly scope: LockScope
  readonly reason: string
  readonly by: string
  readonly at: number
  /** Epoch ms; undefined: until lifted. */
  readonly until?: number
}

/** Wall and monotonic time, both in ms. Everything that measures takes a Clock; nothing calls Date.now() itself. */
export interface Clock {
  /** Epoch ms. */
  now(): number
  /** Ms of a clock that never steps, for ages and deadlines. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }
