/** The policy service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { policyCloudSettingsSchema } from './cloud-settings.ts'

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'policy', schema: policyCloudSettingsSchema, environment: process.env, open: async (loaded, options) => (await import('./wire.ts')).openPolicy(loaded, options) })
