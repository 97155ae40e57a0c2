/** Which Google API method a REST request means, and what the gateway knows of it. */
export { createCatalog, type Catalog } from './catalog.ts'
export { normaliseHost, type ApiHost } from './hosts.ts'
export { type Match, type Request } from './request-matcher.ts'
export { classifySql, type SqlClass } from './classify-sql.ts'
export { iamChange } from './iam-change.ts'
