/** The approval service's own settings file in the Google Cloud edition: the words of lockkeeper.yaml where it is the same thing. */
import { resolve } from 'node:path'
import { approverIssuerSettingsSchema, checkApproverIssuerSettings } from '@lockkeeper/auth'
import { blobsSchema, callersSchema, pusherSchema, readPeopleFile, secretsSchema, serviceSettings, type PathProblem } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { groupClaimSchema } from './group-claims.ts'
import { fatigueSchema, priceSchema } from './settings.ts'

export const approvalSettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Approval'),
  /** This service's own database. */
  database: z.string().min(1).max(63),
  /** Receipts, and requests that are too large for a document. */
  blobs: blobsSchema,
  secrets: secretsSchema,
  /** Name of the secret that seals receipts: 32 bytes in base64. */
  receiptKey: z.string().min(1).max(128).default('receipt-key'),
  /** YAML file of the persons who may decide, with their groups and identities. */
  people: z.string().min(1).max(4096),
  /** Issuers of approvers' ID tokens; never an agents' issuer. */
  approverIssuers: z.array(approverIssuerSettingsSchema).max(20).default([]),
  /** Proxies: they claim and complete. */
  proxies: callersSchema,
  /** People who may look, revoke and lock. */
  operators: callersSchema,
  /** The console's account: it looks and acts as operators do, in the name of the person that it signed in. */
  console: z.string().regex(/^[^\s@,]{1,200}@[a-zA-Z0-9.-]{1,200}$/, 'must be an e-mail address').optional(),
  /** Who delivers events. */
  pusher: pusherSchema,
  /** Which claims of approvers' ID tokens name groups that rules may name as reviewers. */
  groupClaims: z.array(groupClaimSchema).max(20).default([]),
  /** When one rule asks for more than its share of approvals, its owner is told once a day. */
  fatigue: fatigueSchema.prefault({}),
  /** Cards tell by it what a BigQuery query would cost; without it, bytes alone. */
  bigqueryPricePerTiB: priceSchema.optional(),
  /** The app whose buttons decide in Slack; without it none does. */
  slack: z.strictObject({
    app: z.string().regex(/^A[A-Z0-9]{2,31}$/, 'must be an app id'),
    team: z.string().regex(/^T[A-Z0-9]{2,31}$/, 'must be a workspace id'),
    enterprise: z.string().regex(/^E[A-Z0-9]{2,31}$/, 'must be an organisation id').optional(),
    /** Name of the secret that Slack signs with; this service alone may read it. */
    signingSecret: z.string().min(1).max(128),
    /** Risk classes that a click decides; `critical` never is. */
    decides: z.array(z.enum(['high', 'medium', 'sensitive-read', 'change', 'read'])).max(5).default(['change', 'medium']),
  }).optional(),
  /** Calls of one agent that wait for approval. */
  pendingPerAgent: z.number().int().min(1).max(1_000).default(50),

})

export type ApprovalCloudSettings = z.output<typeof approvalSettingsSchema>

export function approvalProblems(settings: ApprovalCloudSettings, directory: string): readonly PathProblem[] {
  const { approverIssuers, mode, people } = settings
  const read = readPeopleFile(resolve(directory, people))
  return [
    ...(approverIssuers.length === 0 ? [] : checkApproverIssuerSettings(approverIssuers, mode).map(({ path, message }) => ({ path: ['approverIssuers', ...path], message }))),
    ...('problems' in read ? read.problems.map((message) => ({ path: ['people'], message })) : []),
  ]
}
