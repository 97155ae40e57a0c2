/** The notifier as a process of its own. The only file of this package that reads the environment. */
import { serviceMain } from '@lockkeeper/service-kit/server'
import { notifierCloudSettingsSchema, notifierProblems } from './cloud-settings.ts'
import { openNotifier } from './wire.ts'

await serviceMain({ name: 'notifier', schema: notifierCloudSettingsSchema, environment: process.env, check: notifierProblems, open: openNotifier })
