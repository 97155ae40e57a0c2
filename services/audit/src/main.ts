/** The audit service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { auditCloudSettingsSchema } from './cloud-settings.ts'

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'audit', schema: auditCloudSettingsSchema, environment: process.env, open: async (loaded, options) => (await import('./wire.ts')).openAudit(loaded, options) })
