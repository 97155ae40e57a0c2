/** What the policy service answers. The types say that each schema has all members of what is answered, and no other. */
import type { Decision, Obligations } from '@lockkeeper/domain'
import type { Explanation, LookedAt, SignedPointer, SignedTargetsPointer } from '@lockkeeper/policy-engine'
import { caseSchema } from '@lockkeeper/policy-engine'
import { z } from 'zod'
import type { FileProblem } from '../policy-files.ts'
import type { SourceStatus } from '../policy-source.ts'
import type { RuleChange } from '../rule-changes.ts'
import type { SetFacts } from '../set-history.ts'
import type { CaseResult } from '../test-folder.ts'

type Members<T> = Readonly<Record<keyof T, z.ZodType>>

const epochMs = z.int().nonnegative().meta({ description: 'Epoch ms.', examples: [1_795_521_600_000] })
const texts = z.array(z.string())
const effect = z.enum(['allow', 'deny', 'approve'])

/** File name → YAML. */
export const filesSchema = z.record(z.string().min(1).max(255), z.string()).refine((files) => Object.keys(files).length <= 1_000, 'at most 1,000 files')
  .meta({ description: 'File name → YAML, at most 1,000. Names end in `.yaml` or `.yml`; `*.cases.yaml` are test cases, `targets.yaml` holds targets.' })

const fileProblem = z.strictObject({
  file: z.string(), line: z.int(), column: z.int(), path: z.string().meta({ description: '`rules[3].when`; empty: the whole file.' }), message: z.string(),
} satisfies Members<FileProblem>).meta({ id: 'FileProblem', description: 'A problem or warning at a place of a file.' })
export const fileProblems = z.array(fileProblem)

const pointer = { version: z.string(), key: z.string(), sequence: z.int(), publishedAt: epochMs, by: z.string(), live: z.literal(true), keyId: z.string(), signature: z.string() }

export const statusSchema = z.strictObject({
  pointer: z.strictObject({ ...pointer, kind: z.literal('bundle'), rules: z.int() } satisfies Members<SignedPointer>).optional().meta({ description: 'The signed pointer to the bundle in force.' }),
  targets: z.strictObject({ ...pointer, kind: z.literal('targets'), targets: z.int() } satisfies Members<SignedTargetsPointer>).optional(),
  problems: fileProblems.meta({ description: 'Why the newest set is not in force; empty: it is.' }), warnings: fileProblems,
} satisfies Members<SourceStatus>)

const obligations = z.strictObject({
  mask: z.strictObject({ detectors: texts, fields: texts }), notify: z.boolean(), maxResponseBytes: z.int().optional(),
  approval: z.strictObject({
    reviewers: texts, quorum: z.int(), expiresMs: z.int(), reasonRequired: z.boolean(), holdMs: z.int().optional(), escalate: z.strictObject({ afterMs: z.int(), reviewers: texts }).optional(),
    patterns: z.union([z.literal(false), z.strictObject({ maxUses: z.int(), maxForMs: z.int(), critical: z.boolean() })]).optional(), breakGlass: texts.optional(),
    state: z.enum(['required', 'best-effort']).optional(), validate: z.literal(false).optional(),
  } satisfies Members<NonNullable<Obligations['approval']>>).optional(),
} satisfies Members<Obligations>)

const decisionSchema = z.strictObject({
  effect, rule: z.string(), message: z.string().optional(), reasons: texts, obligations, hash: z.string(), bundle: z.string(), wouldAllow: z.string().optional(), conditionErrors: texts,
} satisfies Members<Decision>).meta({ id: 'Decision', description: 'What the policies say of a call.' })

export const explanationSchema = z.strictObject({
  decision: decisionSchema,
  rules: z.array(z.strictObject({
    rule: z.string(), effect, outcome: z.enum(['matched', 'agent', 'method', 'resource', 'condition', 'failed']).meta({ description: '`matched`, or the first thing that did not; `failed`: the condition could not be evaluated.' }), matched: z.boolean(), why: z.string(),
  } satisfies Members<LookedAt>)),
} satisfies Members<Explanation>)

export const setInfo = z.strictObject({
  number: z.int().min(1), version: z.string().meta({ description: 'SHA-256 of the files.' }), bundle: z.string(), rules: z.int(), files: z.int(), by: z.string(), note: z.string(), at: epochMs,
} satisfies Members<Omit<SetFacts, 'key'>>).meta({ id: 'PolicySet', description: 'One set that was in force.' })

export const ruleChange = z.strictObject({ rule: z.string(), change: z.enum(['added', 'removed', 'changed']), text: z.string() } satisfies Members<RuleChange>).meta({ id: 'RuleChange', description: 'What is different, in words.' })

export const caseResult = z.strictObject({
  file: z.string(), line: z.int(), description: z.string(), ok: z.boolean(), wanted: caseSchema.shape.want, got: decisionSchema.optional(), why: z.string().optional(),
} satisfies Members<CaseResult>).meta({ id: 'CaseResult', description: 'A test case that was run.' })
