/** `access.requested` as it comes off the bus: checked field by field, then against its own digest. */
import { digestOf, equalInConstantTime, unboundCall } from '@lockkeeper/domain/digest'
import type { Agent, ApprovalTerms, Decision, Obligations } from '@lockkeeper/domain'
import type { AccessRequest, AttachKey, CanonicalCall, EffectFacts, OtherState, StateFacts } from '@lockkeeper/domain/ports'
import { z } from 'zod'

const text = z.string().max(4096)
const name = z.string().min(1).max(512)
const textMap = z.record(z.string().max(512), z.string().max(65_536)).refine((map) => Object.keys(map).length <= 1000, 'has over 1,000 members')
const binding = z.strictObject({ role: text, member: text, condition: z.string().max(16_384).optional() })
const bindings = z.array(binding).max(10_000)

/** Every member of the type and no other: one that is added there and forgotten here does not compile. */
type Shape<T> = Readonly<Record<keyof T, z.ZodType>>

const agent = z.strictObject({
  issuer: name, subject: name, id: name, run: name,
  sponsor: name.optional(), sponsorPerson: name.optional(),
  chain: z.array(z.strictObject({ issuer: name.optional(), subject: name, person: name.optional() })).max(20),
  labels: textMap, tokenHash: name, expiresAt: z.number(),
} satisfies Shape<Agent>)

const body = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('json'), text: z.string().max(8 * 1024 * 1024) }),
  z.strictObject({ kind: z.literal('media'), contentType: text, size: z.number().int().nonnegative().optional(), checksum: text.optional(), metadata: z.string().max(1024 * 1024).optional() }),
])

const call = z.strictObject({
  target: name, method: name, change: z.boolean(), risk: name, verb: z.string().regex(/^[A-Z]{1,16}$/),
  host: name, path: z.string().max(65_536), query: z.string().max(65_536),
  resources: z.array(text).max(1000), arguments: textMap, headers: textMap, body,
  iam: z.strictObject({ known: z.boolean(), added: bindings, removed: bindings, auditConfigsChanged: z.boolean() }).optional(),
  returnsSecret: z.boolean(), dedupeKey: text.optional(), bound: z.array(name).max(600).optional(),
} satisfies Shape<CanonicalCall>)

const reviewers = z.array(z.string().regex(/^(?:person|group):[^\s:]{1,128}$/)).max(100)
const upToAWeek = z.number().int().min(1000).max(7 * 86_400_000)

const decision = z.strictObject({
  effect: z.literal('approve'), rule: name, message: text.optional(), reasons: z.array(text).max(100),
  obligations: z.strictObject({
    mask: z.strictObject({ detectors: z.array(text).max(1000), fields: z.array(text).max(1000) }),
    notify: z.boolean(), maxResponseBytes: z.number().optional(),
    approval: z.strictObject({
      reviewers, quorum: z.number().int().min(1).max(20), expiresMs: upToAWeek, reasonRequired: z.boolean(), holdMs: z.number().optional(),
      escalate: z.strictObject({ afterMs: upToAWeek, reviewers }).optional(),
      patterns: z.union([z.literal(false), z.strictObject({ maxUses: z.number().int().min(1).max(1000), maxForMs: upToAWeek, critical: z.boolean() })]).optional(),
      breakGlass: reviewers.optional(), state: z.enum(['required', 'best-effort']).optional(), validate: z.literal(false).optional(),
    } satisfies Shape<ApprovalTerms>).optional(),
  } satisfies Shape<Obligations>),
  hash: name, bundle: text, wouldAllow: text.optional(), conditionErrors: z.array(text).max(1000),
} satisfies Shape<Decision>)

const other = z.strictObject({
  role: z.enum(['source', 'document']), name: text, exists: z.boolean().optional(), bound: z.boolean(), facts: z.array(z.tuple([name, text])).max(10),
} satisfies Shape<OtherState>)

const state = z.strictObject({
  kind: z.enum(['bound', 'checked', 'none', 'unread']), exists: z.boolean().optional(), reader: name.optional(), record: name.optional(), at: z.number().int().nonnegative().optional(), why: text.optional(),
  changes: z.array(z.strictObject({ path: z.array(z.string().max(512)).min(1).max(64), before: z.string().max(1024).optional() })).max(50).optional(), moreChanges: z.number().int().nonnegative().optional(),
  others: z.array(other).max(50).optional(), moreOthers: z.number().int().nonnegative().optional(),
} satisfies Shape<StateFacts>)

const effect = z.strictObject({
  kind: z.enum(['bytes', 'objects', 'tables', 'accepted', 'refused', 'unknown']), amount: z.string().regex(/^\d{1,20}$/).optional(), more: z.boolean().optional(), why: text.optional(), record: name.optional(),
} satisfies Shape<EffectFacts>)

/** Data of `access.requested`. */
export const accessRequestSchema = z.strictObject({
  id: z.string().regex(/^apr_[A-Za-z0-9]{3,60}$/),
  attach: z.strictObject({ issuer: name, agent: name, run: name, digest: name, idempotencyKey: z.string().max(512).optional() } satisfies Shape<AttachKey>),
  agent, call, decision,
  stateHash: text.optional(), state: state.optional(), effect: effect.optional(), statedReason: z.string().max(16_384).optional(),
  mode: z.enum(['sandbox', 'real']), isolation: z.enum(['none', 'user', 'container']), at: z.number().int().nonnegative(),
} satisfies Shape<AccessRequest>)

export type ReadRequest = { readonly request: AccessRequest } | { readonly problem: string }

/**
 * The request, or why it can never be one. The digest is recomputed here: what is shown is what was asked for, and but for what the
 * gateway says that it filled in, it is what the agent sent (invariant 4).
 */
export function readAccessRequest(data: unknown, mode: 'sandbox' | 'real'): ReadRequest {
  const parsed = accessRequestSchema.safeParse(data)
  if (!parsed.success) return { problem: parsed.error.issues.slice(0, 5).map(({ path, code }) => `${path.join('.')}: ${code}`).join('; ') }
  const request = parsed.data as unknown as AccessRequest
  if (request.mode !== mode) return { problem: `it is of mode ${request.mode}, this service of mode ${mode}` }
  if (!equalInConstantTime(digestOf(unboundCall(request.call)), request.attach.digest)) return { problem: 'its digest is not that of its call' }
  const { attach, agent } = request
  if (attach.issuer !== agent.issuer || attach.agent !== agent.id || attach.run !== agent.run) return { problem: 'its attach key names another agent or run' }
  return { request }
}
