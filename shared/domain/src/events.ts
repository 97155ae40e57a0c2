/** Facts that travel between services: CloudEvents 1.0, past tense, frozen. Golden fixtures of old versions stay readable for ever. */
import { z } from 'zod'

export interface CloudEvent<T extends string = string, D = unknown> {
  readonly specversion: '1.0'
  /** Unique per source; consumers are idempotent by it. */
  readonly id: string
  /** `/proxy/INSTANCE`, `/approval`, … */
  readonly source: string
  readonly type: T
  /** RFC 3339. */
  readonly time: string
  readonly subject?: string
  readonly datacontenttype: 'application/json'
  /** W3C trace context of what led to the event (CloudEvents extension Distributed Tracing). Not part of the fact; absent where nothing is traced. */
  readonly traceparent?: string
  readonly data: D
}

/** W3C Trace Context, version 00, both ids other than zero. Anything else counts as no context. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export function isTraceparent(text: unknown): text is string {
  return typeof text === 'string' && text.length === 55 && TRACEPARENT.test(text)
}

/** The event's trace context, where it has a sound one. Whoever passes it on says nothing about the event's truth with it. */
export function traceOf({ traceparent }: CloudEvent): string | undefined {
  return isTraceparent(traceparent) ? traceparent : undefined
}

export const TOPICS = {
  access: 'access',
  decisions: 'decisions',
  approvals: 'approvals',
  locks: 'locks',
  policies: 'policies',
  records: 'records',
  notices: 'notices',
} as const

export const EVENT_TOPICS = {
  'access.requested': TOPICS.access,
  'decision.submitted': TOPICS.decisions,
  'approval.requested': TOPICS.approvals,
  'approval.approved': TOPICS.approvals,
  'approval.denied': TOPICS.approvals,
  'approval.expired': TOPICS.approvals,
  'approval.cancelled': TOPICS.approvals,
  'approval.claimed': TOPICS.approvals,
  'approval.completed': TOPICS.approvals,
  'approval.escalated': TOPICS.approvals,
  'grant.created': TOPICS.approvals,
  'grant.revoked': TOPICS.approvals,
  'grant.ended': TOPICS.approvals,
  'decision.refused': TOPICS.approvals,
  'review.opened': TOPICS.approvals,
  'review.closed': TOPICS.approvals,
  'fatigue.noticed': TOPICS.approvals,
  'lock.changed': TOPICS.locks,
  'policy.published': TOPICS.policies,
  'target.changed': TOPICS.policies,
  'record.batch': TOPICS.records,
  'calls.noticed': TOPICS.notices,
} as const satisfies Record<string, string>

export type EventType = keyof typeof EVENT_TOPICS

const approvalFact = z.strictObject({
  approval: z.string(),
  agent: z.string(),
  run: z.string(),
  method: z.string(),
  resources: z.array(z.string()),
  mode: z.enum(['sandbox', 'real']),
  expiresAt: z.number(),
})

const grantFact = z.strictObject({
  grant: z.string(),
  agent: z.string(),
  /** Where it is bound to one. */
  run: z.string().optional(),
  method: z.string(),
  /** Globs. */
  resources: z.array(z.string()),
  rule: z.string(),
  mode: z.enum(['sandbox', 'real']),
})

/** Characters of one callback of Slack; a message of ours makes about 10,000. */
export const MOST_SLACK_BODY = 131_072

/** What a person is told about a waiting call before they look at its card. Rendered by the approval service, safe to print. */
const shownCall = z.strictObject({
  title: z.string(),
  risk: z.string(),
  riskWhy: z.string(),
  rule: z.string(),
  sponsor: z.string(),
  reasonRequired: z.boolean(),
  /** The agent's own words, never checked. */
  statedReason: z.string().optional(),
  /** What is sent and what it changes, one line each. */
  details: z.array(z.string()),
  /** Fields that the body changes, from what was read to what it becomes, one line each; absent where nothing was compared. */
  edits: z.array(z.string()).optional(),
  /** What the API said beforehand that it would do. */
  effect: z.string().optional(),
  /** Whether and until when it can be undone. */
  undo: z.string().optional(),
  /** False where `details` leaves anything out: then the card alone shows what is approved. */
  whole: z.boolean(),
  warnings: z.array(z.string()),
})
export type ShownCall = z.infer<typeof shownCall>

const base64url = (most: number) => z.string().min(1).max(most).regex(/^[\w-]+$/, 'is no base64url')

/** What a passkey made of a challenge, each part in base64url without padding (WebAuthn Level 3, 5.2.2). */
export const passkeyAssertion = z.strictObject({ credential: base64url(1400), clientData: base64url(4096), authenticatorData: base64url(4096), signature: base64url(1400) })
export type PasskeyAssertion = z.infer<typeof passkeyAssertion>

const argumentBound = z.union([
  z.strictObject({ equals: z.string().max(1024) }),
  z.strictObject({ oneOf: z.array(z.string().max(1024)).min(1).max(50) }),
  /** A number without sign, at most this. */
  z.strictObject({ max: z.number().nonnegative() }),
  z.strictObject({ any: z.literal(true) }),
])
export type ArgumentBound = z.infer<typeof argumentBound>

/** Calls like the one that was shown, of the same method, agent, sponsor and rule. What is not named here may not differ from it. */
export const grantPattern = z.strictObject({
  /** Globs; every resource of a call must match one. */
  resources: z.array(z.string().min(1).max(1024)).max(20),
  /** By name of argument, `header.NAME`, `body.FIELD` or `media.size`; a star at the end stands for all that begin so. */
  arguments: z.record(z.string().min(1).max(512), argumentBound).refine((bounds) => Object.keys(bounds).length <= 50, 'has over 50 members'),
  /** True: calls of the same run only. */
  run: z.boolean(),
  /** Calls at most. */
  uses: z.int().min(1).max(1000),
  /** Ms from the approval to the end. */
  forMs: z.int().min(60_000).max(7 * 86_400_000),
})
export type GrantPattern = z.infer<typeof grantPattern>

/** One of the calls that a notice tells of. */
const noticedCall = z.strictObject({
  /** The record that tells all of it. */
  record: z.string(),
  at: z.number(),
  run: z.string(),
  method: z.string(),
  /** The first few. */
  resources: z.array(z.string()).max(3),
  result: z.enum(['answered', 'refused', 'failed', 'unknown', 'left']),
  status: z.number(),
})
export type NoticedCall = z.infer<typeof noticedCall>

/** Calls that one notice names; the others are counted. */
export const MOST_NOTICED = 20

/**
 * Data of every event type. `access.requested` carries an AccessRequest (ports.ts), checked by the approval service;
 * `record.batch` carries a RecordBatch (shared/transparency-log), checked by the audit service.
 */
export const EVENT_DATA = {
  'decision.submitted': z.strictObject({
    approval: z.string(),
    digest: z.string(),
    verdict: z.enum(['approve', 'deny']),
    reason: z.string().max(2000).optional(),
    /** Approves calls like this one too; part of what the proof covers. */
    grant: grantPattern.optional(),
    /** Approves at once and alone, where the rule names the person for it; part of what the proof covers. */
    breakGlass: z.literal(true).optional(),
    /** What the approval service checks itself (invariant 7). */
    proof: z.discriminatedUnion('kind', [
      /** Signed by the key of the terminal that `up` owns; embedded edition only. */
      z.strictObject({ kind: z.literal('terminal'), person: z.string(), at: z.number(), signature: z.string() }),
      /** An ID token of a configured approver issuer whose `nonce` names verdict, request and digest. */
      z.strictObject({ kind: z.literal('idToken'), token: z.string() }),
      /** A passkey's assertion over a hash of the decision, its approval, its reason and `at` (epoch ms). */
      z.strictObject({ kind: z.literal('passkey'), at: z.int(), assertion: passkeyAssertion }),
      /** A click in Slack as Slack sent it: the raw form body, and the headers `X-Slack-Request-Timestamp` and `X-Slack-Signature`. */
      z.strictObject({ kind: z.literal('slack'), body: z.string().max(MOST_SLACK_BODY), timestamp: z.string().max(20), signature: z.string().max(128) }),
    ]),
  }),
  'approval.requested': approvalFact.extend({
    reviewers: z.array(z.string()), quorum: z.number(), summary: z.string(),
    /** With these two the call can be shown and decided outside the approval service; absent in events from before they were. */
    digest: z.string().optional(), shown: shownCall.optional(),
  }),
  'approval.approved': approvalFact.extend({
    by: z.array(z.string()),
    /** Approved as one use of this grant; nobody was asked. */
    grant: z.strictObject({ id: z.string(), use: z.int() }).optional(),
    /** Approved by break-glass; a review stands open. */
    breakGlass: z.literal(true).optional(),
  }),
  /** Nobody decided in time: `reviewers` (ids of persons) may decide now, through the `to` of the rule. */
  'approval.escalated': approvalFact.extend({ reviewers: z.array(z.string()), to: z.array(z.string()), quorum: z.number(), summary: z.string() }),
  'approval.denied': approvalFact.extend({ by: z.string(), reason: z.string().optional() }),
  'approval.expired': approvalFact,
  'approval.cancelled': approvalFact.extend({ why: z.string() }),
  'approval.claimed': approvalFact.extend({ fence: z.string(), holder: z.string() }),
  'approval.completed': approvalFact.extend({ outcome: z.enum(['not_sent', 'answered', 'unknown']), status: z.number().optional(), why: z.string().optional() }),
  'grant.created': grantFact.extend({ approval: z.string(), by: z.array(z.string()), uses: z.number(), until: z.number() }),
  'grant.revoked': grantFact.extend({ by: z.string(), reason: z.string() }),
  /** It ended by itself: its last call was let through, or its time is over. `calls` of `uses` were let through. */
  'grant.ended': grantFact.extend({ why: z.enum(['used', 'expired']), calls: z.int(), uses: z.int() }),
  /** A decision that changed nothing, and why, in words for whoever made it. `event`: the id of the `decision.submitted` that it came with, where it came over the bus. */
  'decision.refused': z.strictObject({ approval: z.string(), verdict: z.enum(['approve', 'deny']), reason: z.string(), why: z.string(), person: z.string().optional(), event: z.string().optional(), mode: z.enum(['sandbox', 'real']) }),
  'review.opened': approvalFact.extend({ review: z.string(), by: z.array(z.string()), reason: z.string(), summary: z.string() }),
  'review.closed': approvalFact.extend({ review: z.string(), by: z.string(), note: z.string() }),
  /** One rule has asked more than its share on a day (UTC): for the owner of the policy. */
  'fatigue.noticed': z.strictObject({ rule: z.string(), day: z.string(), asked: z.int(), of: z.int(), share: z.number(), mode: z.enum(['sandbox', 'real']) }),
  'lock.changed': z.strictObject({ id: z.string(), state: z.enum(['set', 'lifted']), scope: z.unknown(), by: z.string(), reason: z.string() }),
  'policy.published': z.strictObject({ version: z.string(), digest: z.string(), rules: z.number(), by: z.string() }),
  /** Calls of one agent that a rule with `notify` let through or refused; made of their records once those are durable. */
  'calls.noticed': z.strictObject({ agent: z.string(), rule: z.string(), effect: z.enum(['allow', 'deny']), mode: z.enum(['sandbox', 'real']), count: z.int().min(1), calls: z.array(noticedCall).min(1).max(MOST_NOTICED) }),
  /** A published set of targets came into force; the lists hold names. */
  'target.changed': z.strictObject({ version: z.string(), targets: z.number(), added: z.array(z.string()), removed: z.array(z.string()), changed: z.array(z.string()), by: z.string() }),
} as const satisfies Partial<Record<EventType, z.ZodType>>

export type EventData<T extends keyof typeof EVENT_DATA> = z.infer<(typeof EVENT_DATA)[T]>

export function cloudEvent<T extends EventType, D>(type: T, source: string, id: string, at: number, data: D, subject?: string, traceparent?: string): CloudEvent<T, D> {
  return {
    specversion: '1.0', id, source, type, time: new Date(at).toISOString(),
    ...(subject === undefined ? {} : { subject }), datacontenttype: 'application/json', ...(traceparent === undefined ? {} : { traceparent }), data,
  }
}
