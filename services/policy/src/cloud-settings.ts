/** The policy service's own settings file in the Google Cloud edition. */
import { blobsSchema, callersSchema, serviceSettings, signerSchema, trustedKeySchema } from '@lockkeeper/service-kit/server'
import { z } from 'zod'

export const policyCloudSettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Policy'),
  /** This service's own database. */
  database: z.string().min(1).max(63),
  /** Bundles and pushed sets. */
  blobs: blobsSchema,
  /** Signs what is put in force. */
  signer: signerSchema,
  /** Keys that signed earlier sets, where the signer's key has changed. */
  trustedKeys: z.array(trustedKeySchema).max(10).default([]),
  /** A folder of policies that lies in the image or a volume. Default: sets are pushed over the API. */
  policies: z.string().min(1).max(4096).optional(),
  /** People and pipelines who may look, check and push. */
  operators: callersSchema,
})

export type PolicyCloudSettings = z.output<typeof policyCloudSettingsSchema>
