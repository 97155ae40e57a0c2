/** The approval service as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { approvalProblems, approvalSettingsSchema } from './cloud-settings.ts'
import { openApproval } from './wire.ts'

await serviceMain({ name: 'approval', schema: approvalSettingsSchema, environment: process.env, check: approvalProblems, open: openApproval })
