/** The approval service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { approvalProblems, approvalSettingsSchema } from './cloud-settings.ts'

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'approval', schema: approvalSettingsSchema, environment: process.env, check: approvalProblems, open: async (loaded, options) => (await import('./wire.ts')).openApproval(loaded, options) })
