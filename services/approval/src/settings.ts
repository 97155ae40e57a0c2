/** Settings of the approval service: bounds, defaults, and what real mode never allows. */
import { z } from 'zod'
import { groupClaimSchema } from './group-claims.ts'

const ms = (least: number, most: number, usual: number) => z.number().int().min(least).max(most).default(usual)

export const fatigueSchema = z.strictObject({
  /** Share of a day's requests (UTC) above which a rule asks too much, 0 to 1. */
  share: z.number().gt(0).max(1).default(0.5),
  /** Requests that it must have made that day. */
  least: z.number().int().min(1).max(100_000).default(20),
})

export const priceSchema = z.strictObject({
  /** What a query costs for each TiB that it reads, on demand. */
  amount: z.number().gt(0).max(1_000_000),
  /** ISO 4217, such as USD. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency of three letters'),
})

const schema = z.strictObject({
  mode: z.enum(['sandbox', 'real']),
  /** Sandbox only: the agent's own sponsor may approve, and an unknown sponsor needs no second reviewer. Default false. */
  selfApproval: z.boolean().default(false),
  /** Requests of one agent that may wait at once, default 50. */
  pendingPerAgent: z.number().int().min(1).max(1000).default(50),
  /** Ms from a claim within which the first byte must be sent, default 5,000. */
  dialByMs: ms(100, 60_000, 5_000),
  /** Ms after which a silent claim is `unknown`, default 600,000. */
  claimTimeoutMs: ms(1_000, 3_600_000, 600_000),
  /** Which claims of approvers' ID tokens name groups that rules may name as reviewers. Default: none. */
  groupClaims: z.array(groupClaimSchema).max(20).default([]),
  /** When one rule asks too much. */
  fatigue: fatigueSchema.prefault({}),
  /** Cards tell by it what a BigQuery query would cost. Default: they tell bytes alone. */
  bigqueryPricePerTiB: priceSchema.optional(),
  receiptWindows: z.strictObject({ undeliveredMs: ms(1_000, 3_600_000, 600_000), deliveredMs: ms(1_000, 3_600_000, 60_000) }).prefault({}),
}).refine(({ mode, selfApproval }) => mode === 'sandbox' || !selfApproval, { path: ['selfApproval'], message: 'is for sandbox mode only (invariant 14)' })
  .refine(({ dialByMs, claimTimeoutMs }) => dialByMs < claimTimeoutMs, { path: ['claimTimeoutMs'], message: 'must be longer than dialByMs' })

export type ApprovalSettings = z.input<typeof schema>
export type ReadSettings = z.output<typeof schema>

/** TypeError that names every wrong setting at once. */
export function readSettings(settings: ApprovalSettings): ReadSettings {
  const parsed = schema.safeParse(settings)
  if (parsed.success) return parsed.data
  throw new TypeError(`approval settings: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`)
}
