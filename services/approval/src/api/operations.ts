/** All operations of the approval service. */
import * as approvals from './approval-operations.ts'
import * as grants from './grant-operations.ts'
import * as locks from './lock-operations.ts'
import * as passkeys from './passkey-operations.ts'
import * as proxies from './proxy-operations.ts'

const { API_PATH: _path, ...ofProxies } = proxies

/** Of the admin listener. */
export const ADMIN_OPERATIONS = [...Object.values(approvals), ...Object.values(grants), ...Object.values(locks), ...Object.values(passkeys)]
const PROXY_OPERATIONS = Object.values(ofProxies)
export const APPROVAL_OPERATIONS = [...ADMIN_OPERATIONS, ...PROXY_OPERATIONS]
