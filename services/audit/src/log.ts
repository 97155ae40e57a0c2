import type { Log as ServiceLog } from '@lockkeeper/service-kit'

/** What this service uses of it. Nothing secret is ever given to it. */
export type Log = Pick<ServiceLog, 'info' | 'warn' | 'error'>
