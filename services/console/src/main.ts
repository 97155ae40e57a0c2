/** The console as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { consoleCloudSettingsSchema, consoleProblems } from './cloud-settings.ts'

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'console', schema: consoleCloudSettingsSchema, environment: process.env, check: consoleProblems, open: async (loaded, options) => (await import('./wire.ts')).openConsole(loaded, options) })
