/** The proxy as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { proxyProblems, proxySettingsSchema } from './cloud-settings.ts'

// Cloud Run names the revision; each start of each instance adds something of its own.
const { K_REVISION: revision = 'proxy' } = process.env

// The composition root brings Google's clients along; wrong settings are told before.
await serviceMain({ name: 'proxy', schema: proxySettingsSchema, environment: process.env, check: proxyProblems, open: async (loaded, { log, telemetry }) => (await import('./wire.ts')).openProxy(loaded, { log, telemetry, revision }) })
