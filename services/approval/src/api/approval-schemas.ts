/** What the approval service answers about requests. The types say that each schema has all members of what is answered, and no other. */
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { grantPattern } from '@lockkeeper/domain/events'
import { z } from 'zod'
import type { ApprovalDetail, ApprovalPage } from '../admin.ts'
import type { GrantUse, Vote } from '../approval-case.ts'
import type { Card } from '../card.ts'
import type { RefusedDecision } from '../collections.ts'
import type { DecisionChallenge } from '../decision-challenge.ts'
import type { DecisionOffer } from '../decision-offer.ts'
import type { Decided } from '../decisions.ts'
import type { WaitingCall, WaitingPage } from '../waiting-list.ts'
import { lockSchema } from './lock-schemas.ts'
import { cursor, epochMs, errorReason, mode, stateName, texts } from './names.ts'

export type Members<T> = Readonly<Record<keyof T, z.ZodType>>

const person = z.string().meta({ description: 'Id of a person.', examples: ['ana'] })
const approvalId = z.string().meta({ examples: ['apr_7RkXo2m'] })

export const approvalSchema = z.strictObject({
  kind: z.literal('approval'), id: approvalId, live: z.boolean(), state: stateName,
  attachHash: z.string(), digest: z.string().meta({ description: 'Of the canonical call: what is approved.' }), decisionHash: z.string().meta({ description: 'Of the winning rule and its obligations.' }),
  stateHash: z.string().optional(), traceparent: z.string().optional().meta({ description: 'W3C trace context of the request, where it was traced.' }), issuer: z.string(), agent: z.string(), run: z.string(), method: z.string().meta({ examples: ['storage.objects.delete'] }), target: z.string(), resources: texts,
  grant: z.string().optional().meta({ description: 'The grant that approved it, where nobody was asked.' }),
  at: epochMs, expiresAt: epochMs, settledAt: epochMs.optional(), receiptUntil: epochMs.optional(), deleteAt: epochMs.optional(),
  fence: z.string().optional().meta({ description: 'Of an unknown one: under it a proxy may still say what has become of it.' }), reason: z.string().optional().meta({ description: 'Why it ended as it did, or how it was found out.' }), refusal: errorReason.optional().meta({ description: 'What the agent is answered with.' }),
} satisfies Members<ApprovalDocument>).meta({ id: 'Approval', description: 'One request for approval.' })

export const approvalPage = z.strictObject({ mode, approvals: z.array(approvalSchema).meta({ description: 'Newest first.' }), cursor } satisfies Members<ApprovalPage>)

const vote = z.strictObject({
  person, verdict: z.enum(['approve', 'deny']), reason: z.string().optional(), at: epochMs, proof: z.enum(['terminal', 'idToken', 'slack', 'passkey']), groups: texts.optional(),
  grant: grantPattern.optional(), breakGlass: z.literal(true).optional(),
} satisfies Members<Vote>)

export const votes = z.array(vote)

const grantUse = z.strictObject({ id: z.string(), use: z.int() } satisfies Members<GrantUse>)

const card = z.strictObject({
  id: approvalId, state: z.string(), mode, title: z.string(), method: z.string(), call: z.string().meta({ description: 'Verb, host and path as they are sent.' }), target: z.string(), digest: z.string(),
  resources: texts, arguments: texts, headers: texts, risk: z.string(), riskWhy: z.string(), agent: z.string(), run: z.string(), sponsor: z.string(), chain: texts, isolation: z.string(),
  rule: z.string(), reasons: texts, statedReason: z.string().optional().meta({ description: 'The agent\'s own words, never checked.' }), iam: texts, body: texts, boundTo: texts, edits: texts, effect: z.string().optional(), undo: z.string().optional(), soFar: texts, expires: z.string(), reviewers: texts,
  quorum: z.int(), approvedBy: texts, earlier: z.string().optional(), changed: texts, warnings: texts,
} satisfies Members<Card>).meta({ id: 'Card', description: 'The call in words, made of the canonical call alone. Every text is safe to print.' })

const offer = z.strictObject({
  reasonRequired: z.boolean(), breakGlass: z.array(person).meta({ description: 'Who may let it through at once and alone.' }),
  pattern: z.strictObject({ resources: texts, places: z.array(z.strictObject({ name: z.string(), value: z.string() })), maxUses: z.int(), maxForMs: z.int() }).optional().meta({ description: 'How far a pattern may go. Absent: only the call itself can be approved.' }),
} satisfies Members<DecisionOffer>)

const refusedDecision = z.strictObject({
  approval: approvalId, at: epochMs, person: person.optional(), verdict: z.enum(['approve', 'deny']), reason: z.string(), why: z.string(), deleteAt: epochMs,
} satisfies Members<RefusedDecision>)

export const approvalDetail = z.strictObject({
  approval: approvalSchema, summary: z.string(), card: card.optional().meta({ description: 'Absent once the request itself is no longer kept.' }), votes, grant: grantUse.optional(), escalatedAt: epochMs.optional(),
  quorum: z.int(), reviewers: z.array(person), offer, refused: z.array(refusedDecision), lock: lockSchema.optional().meta({ description: 'The lock that freezes it.' }),
} satisfies Members<ApprovalDetail>)

const waitingCall = z.strictObject({
  id: approvalId, agent: z.string(), run: z.string(), method: z.string(), target: z.string(), resources: texts, at: epochMs, expiresAt: epochMs, title: z.string(), summary: z.string(), risk: z.string(), sponsor: z.string().optional(),
  reviewers: z.array(person), approvedBy: z.array(person), quorum: z.int(), escalated: z.boolean(),
} satisfies Members<WaitingCall>)

export const waitingPage = z.strictObject({ mode, waiting: z.array(waitingCall).meta({ description: 'Newest first.' }), cursor } satisfies Members<WaitingPage>)

export const decidedSchema = z.strictObject({
  approval: approvalId, state: stateName.meta({ description: '`pending` while more approvals are needed.' }), person, approvals: z.int(), quorum: z.int(),
  grant: z.string().optional().meta({ description: 'The grant that was given with it.' }), review: z.string().optional().meta({ description: 'The review that break-glass opened.' }),
} satisfies Members<Decided>)

export const challengeSchema = z.strictObject({
  digest: z.string(), nonce: z.string().meta({ description: '`nonce` of an ID token that proves this decision.' }), passkey: z.strictObject({ challenge: z.string(), at: epochMs }),
} satisfies Members<DecisionChallenge>)
