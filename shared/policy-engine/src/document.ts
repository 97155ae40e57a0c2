/** What a person writes: policies as data. The JSON Schema for editors is generated from these schemas. */
import type { RiskClass } from '@lockkeeper/domain'
import { z } from 'zod'
import { DURATION, durationMs } from './duration.ts'

export const API_VERSION = 'lockkeeper.dev/v1'
export const RISK_CLASSES: readonly RiskClass[] = ['critical', 'high', 'medium', 'sensitive-read', 'change', 'read']

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63').describe('Lower-case letters, digits and hyphens')

function durationSchema(min: string, max: string, meaning: string) {
  const [least, most] = [durationMs(min) ?? 0, durationMs(max) ?? 0]
  return z.string().regex(DURATION, 'a number and s, m, h or d, for example 30m')
    .refine((text) => (durationMs(text) ?? least) >= least && (durationMs(text) ?? most) <= most, `between ${min} and ${max}`)
    .describe(`${meaning} ${min} to ${max}.`)
}

const reviewerSchema = z.string().regex(/^(person|group):[A-Za-z0-9@._-]{1,100}$/, 'person:ID or group:NAME')

const approvalSchema = z.strictObject({
  reviewers: z.array(reviewerSchema).max(50).optional()
    .describe('Who may decide: person:ID or group:NAME. Default: any person of group approvers.'),
  quorum: z.int().min(1).max(10).optional().describe('Distinct persons that must approve. Default 1.'),
  expires: durationSchema('1m', '7d', 'From request to expiry, default 30m.').optional(),
  reason: z.enum(['required', 'optional']).optional().describe('Whether a decision needs a reason. Default optional.'),
  hold: durationSchema('5s', '55s', 'How long one request is held open; default: the gateway\'s hold.').optional(),
  escalate: z.strictObject({
    after: durationSchema('1m', '7d', 'Undecided for so long.'),
    to: z.array(reviewerSchema).min(1).max(50).describe('Who may decide from then on, besides the reviewers.'),
  }).optional().describe('Asks more persons when nobody has decided. Must come before the expiry.'),
  patterns: z.union([
    z.literal(false),
    z.strictObject({
      maxUses: z.int().min(1).max(1_000).describe('Calls that one grant may let through.'),
      maxFor: durationSchema('1m', '7d', 'Life of one grant.'),
    }),
  ]).optional().describe('Whether an approver may let a pattern of calls through. Default: 20 calls, 8h, and not for class critical.'),
  breakGlass: z.array(reviewerSchema).min(1).max(50).optional()
    .describe('Who may let the call through at once and alone, for a reason; a review stays open until another person closes it. Default: nobody.'),
  state: z.enum(['required', 'best-effort']).optional()
    .describe('Whether a call whose resource\'s state cannot be read is refused, or asked for without being bound to it. Default: required where the method has a getter.'),
  validate: z.boolean().optional()
    .describe('Whether the API is asked, where it can check a call without doing it (validateOnly, dryRun), what it would say to it. Default true.'),
})

export const ruleSchema = z.strictObject({
  name: nameSchema,
  description: z.string().max(1_000).optional(),
  methods: z.array(z.string().min(1).max(200)).min(1).max(500)
    .describe('Method ids, globs over them (* crosses dots), class:RISK, change or read.'),
  resources: z.array(z.string().min(1).max(1_024)).min(1).max(1_000).optional()
    .describe('Globs over full resource names; * stays within a segment, ** does not. Without it the rule speaks about every resource.'),
  when: z.string().min(1).max(8_192).optional().describe('CEL over agent, call and time. An error counts as true for deny and approve and as false for allow.'),
  effect: z.enum(['allow', 'deny', 'approve']),
  mask: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)).max(100).optional().describe('Detectors or sets of them, for example personal-data or secrets.'),
  fields: z.array(z.string().min(1).max(300)).max(500).optional().describe('Field paths of the answer that are masked, for example items[].owner.email.'),
  notify: z.boolean().optional().describe('Tell the notifier. Default false.'),
  limits: z.strictObject({ maxResponseBytes: z.int().min(1).optional().describe('Bytes of the answer at most.') }).optional(),
  message: z.string().max(500).optional().describe('Public text for the agent.'),
  approval: approvalSchema.optional().describe('Only with effect approve.'),
})

const headShape = {
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Policy'),
  metadata: z.strictObject({ name: nameSchema, owner: z.string().min(1).max(100) }),
  agents: z.array(z.string().min(1).max(500)).min(1).max(1_000)
    .describe('Who the document speaks about. Words of one selector must all match; one selector of the list is enough. Words: *, issuer:, id: (or repo:), subject:, run:, sponsor:, label:KEY=VALUE.'),
}

/** One policy document. */
export const policyDocumentSchema = z.strictObject({ ...headShape, rules: z.array(ruleSchema).max(20_000) })
/** The same without a look at the rules, which compile() checks one by one so that it can rest in between. */
export const documentHeadSchema = z.strictObject({ ...headShape, rules: z.array(z.unknown()).max(20_000) })

export type PolicyDocument = z.infer<typeof policyDocumentSchema>
export type RuleDocument = z.infer<typeof ruleSchema>

/** What is wrong with a document; `path` leads to the place in it. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** The document's name, where it has one. */
  readonly document?: string
  /** The document's place in the list that was given. */
  readonly input?: number
}

export function zodProblems(error: z.ZodError, at: readonly (string | number)[], document?: string): readonly Problem[] {
  return error.issues.map((issue) => ({
    path: [...at, ...issue.path.map((step) => typeof step === 'symbol' ? String(step) : step)], message: issue.message, ...(document === undefined ? {} : { document }),
  }))
}
