/** The policy service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { policyCloudSettingsSchema } from './cloud-settings.ts'
import { openPolicy } from './wire.ts'

await serviceMain({ name: 'policy', schema: policyCloudSettingsSchema, environment: process.env, open: openPolicy })
