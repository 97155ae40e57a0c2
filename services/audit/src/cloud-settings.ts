/** The audit service's own settings file in the Google Cloud edition. */
import { blobsSchema, callersSchema, pusherSchema, serviceSettings, signerSchema, trustedKeySchema } from '@lockkeeper/service-kit/server'
import { z } from 'zod'

export const auditCloudSettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Audit'),
  /** This service's own database: it holds the lease on the log and nothing else. */
  database: z.string().min(1).max(63),
  /** The log: segments, bodies, checkpoints. The bucket's retention is what keeps them. */
  blobs: blobsSchema,
  /** Signs checkpoints. */
  signer: signerSchema,
  /** Keys that proxies' writers are attested with. */
  writerKeys: z.array(trustedKeySchema).min(1).max(50),
  /** Keys that signed earlier checkpoints. */
  logKeys: z.array(trustedKeySchema).max(50).default([]),
  /** Name of the log in its checkpoints; without spaces. */
  origin: z.string().regex(/^[^\s+\p{Cc}]{1,200}$/u).default('lockkeeper/log'),
  /** People who may search and verify. */
  operators: callersSchema,
  /** Who delivers facts; record batches are pulled. */
  pusher: pusherSchema,
})

export type AuditCloudSettings = z.output<typeof auditCloudSettingsSchema>
