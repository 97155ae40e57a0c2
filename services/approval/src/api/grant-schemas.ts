/** Grants, reviews and load as they are answered. */
import { grantPattern } from '@lockkeeper/domain/events'
import { z } from 'zod'
import type { GrantUseDocument, ReviewDocument } from '../collections.ts'
import type { GrantPage, GrantView } from '../grant-admin.ts'
import type { LoadOf, LoadReport } from '../load-report.ts'
import { votes, type Members } from './approval-schemas.ts'
import { cursor, epochMs, mode, texts } from './names.ts'

export const grantSchema = z.strictObject({
  id: z.string().meta({ examples: ['grt_7RkXo2m'] }), approval: z.string(), agent: z.string(), run: z.string(), method: z.string(), target: z.string(), rule: z.string(), summary: z.string(), mode, pattern: grantPattern,
  at: epochMs, until: epochMs, revoked: z.strictObject({ by: z.string(), reason: z.string(), at: epochMs }).optional(), state: z.enum(['live', 'used', 'ended', 'revoked']),
  used: z.int().meta({ description: 'Uses taken, of `pattern.uses`.' }), by: texts.meta({ description: 'Persons who gave it.' }),
} satisfies Members<GrantView>).meta({ id: 'Grant', description: 'The right to a pattern of calls.' })

export const grantPage = z.strictObject({ grants: z.array(grantSchema).meta({ description: 'Newest first.' }), cursor } satisfies Members<GrantPage>)

const grantUse = z.strictObject({
  grant: z.string(), use: z.int().min(1), approval: z.string(), digest: z.string(), run: z.string(), summary: z.string(), at: epochMs, deleteAt: epochMs,
} satisfies Members<GrantUseDocument>)

export const grantDetail = z.strictObject({ grant: grantSchema, uses: z.array(grantUse).meta({ description: 'Latest first, at most 100.' }) })

const chain = z.array(z.strictObject({ issuer: z.string().optional(), subject: z.string(), person: z.string().optional() }))
const requester = z.strictObject({
  issuer: z.string(), subject: z.string(), id: z.string(), run: z.string(), sponsor: z.string().optional(), sponsorPerson: z.string().optional(), chain,
} satisfies Members<ReviewDocument['of']['requester']>)
const terms = z.strictObject({
  reviewers: texts, quorum: z.int(), reasonRequired: z.boolean(), escalate: z.strictObject({ afterMs: z.int(), reviewers: texts }).optional(),
  patterns: z.union([z.literal(false), z.strictObject({ maxUses: z.int(), maxForMs: z.int(), critical: z.boolean() })]).optional(), breakGlass: texts.optional(),
} satisfies Members<ReviewDocument['of']['terms']>)

export const reviewSchema = z.strictObject({
  kind: z.literal('review'), id: z.string().meta({ examples: ['rev_7RkXo2m'] }), open: z.boolean(), approval: z.string(), by: texts.meta({ description: 'Who broke the glass.' }), reason: z.string(), summary: z.string(), rule: z.string(),
  of: z.strictObject({
    id: z.string(), requester, terms, votes, escalatedAt: epochMs.optional(), method: z.string(), resources: texts, mode, expiresAt: epochMs,
  } satisfies Members<ReviewDocument['of']>).meta({ description: 'The request as it was then.' }),
  at: epochMs, closed: z.strictObject({ by: z.string(), note: z.string(), at: epochMs }).optional(), deleteAt: epochMs.optional(),
} satisfies Members<ReviewDocument>).meta({ id: 'Review', description: 'What break-glass leaves for another person to look at.' })

const loadOf = {
  name: z.string(), asked: z.int(), askedPerDay: z.number(), approved: z.int(), denied: z.int(), medianMs: z.number().optional().meta({ description: 'From the request to the decision. Absent: nothing was decided.' }),
  fastShare: z.number().meta({ description: 'Approvals within 3 s, of all approvals.' }),
} satisfies Members<LoadOf>

export const loadReport = z.strictObject({
  days: z.int(), from: z.string().meta({ description: 'The first day, in UTC.', examples: ['2026-11-18'] }),
  persons: z.array(z.strictObject({ ...loadOf, called: z.string() } satisfies Members<LoadReport['persons'][number]>)),
  rules: z.array(z.strictObject({ ...loadOf, share: z.number(), tooMuch: z.boolean().meta({ description: 'More than its share on at least one of the days.' }) } satisfies Members<LoadReport['rules'][number]>)),
} satisfies Members<LoadReport>)
