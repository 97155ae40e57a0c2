/** Tests of policies as data: one file `*.cases.yaml` beside each policy. */
import { z } from 'zod'
import { API_VERSION } from './document.ts'

const agentSchema = z.strictObject({
  issuer: z.string().min(1),
  id: z.string().min(1),
  subject: z.string().min(1).optional().describe('Default: the id.'),
  run: z.string().min(1).optional().describe('Default: run-1.'),
  sponsor: z.string().min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
})

const bindingSchema = z.strictObject({ role: z.string(), member: z.string(), condition: z.string().optional() })

const callSchema = z.union([
  z.strictObject({
    method: z.string().min(1),
    target: z.string().min(1).optional().describe('Default: google.'),
    resources: z.array(z.string().min(1)).optional(),
    arguments: z.record(z.string(), z.string()).optional(),
    body: z.record(z.string(), z.unknown()).optional(),
    iam: z.strictObject({
      known: z.boolean().optional(), added: z.array(bindingSchema).optional(), removed: z.array(bindingSchema).optional(), auditConfigsChanged: z.boolean().optional(),
    }).optional().describe('What an IAM policy change adds and removes; known defaults to true.'),
  }),
  z.strictObject({ curl: z.string().min(1).describe('A curl command line as an agent would send it.') }),
])

export const caseSchema = z.strictObject({
  description: z.string().min(1),
  agent: agentSchema,
  call: callSchema,
  at: z.iso.datetime().optional().describe('The time of the call, UTC; default: now.'),
  want: z.strictObject({
    effect: z.enum(['allow', 'deny', 'approve']),
    rule: z.string().min(1).optional().describe('POLICY/RULE that must win.'),
    mask: z.array(z.string()).optional().describe('Exactly these detectors.'),
  }),
})

export const casesSchema = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal('PolicyCases'), cases: z.array(caseSchema).min(1).max(5_000) })

export type PolicyCase = z.infer<typeof caseSchema>
export type PolicyCases = z.infer<typeof casesSchema>
