/** The proxy as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { proxyProblems, proxySettingsSchema } from './cloud-settings.ts'
import { openProxy } from './wire.ts'

// Cloud Run names the revision; each start of each instance adds something of its own.
const { K_REVISION: revision = 'proxy' } = process.env

await serviceMain({ name: 'proxy', schema: proxySettingsSchema, environment: process.env, check: proxyProblems, open: (loaded, { log }) => openProxy(loaded, { log, revision }) })
