/** The audit service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { auditCloudSettingsSchema } from './cloud-settings.ts'
import { openAudit } from './wire.ts'

await serviceMain({ name: 'audit', schema: auditCloudSettingsSchema, environment: process.env, open: openAudit })
