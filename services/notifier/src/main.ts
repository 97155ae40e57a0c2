/** The notifier as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { notifierCloudSettingsSchema, notifierProblems } from './cloud-settings.ts'

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'notifier', schema: notifierCloudSettingsSchema, environment: process.env, check: notifierProblems, open: async (loaded, options) => (await import('./wire.ts')).openNotifier(loaded, options) })
