/** Which Google API method a REST request means, and what the gateway knows of it. */
export { resourcesWithBody } from './body-resources.ts'
export { createCatalog, type Catalog } from './catalog.ts'
export { classifySql, type SqlClass } from './classify-sql.ts'
export { riskReason } from './flags/risk.ts'
export { normaliseHost, type ApiHost } from './hosts.ts'
export { iamChange } from './iam-change.ts'
export { queryJob, type QueryJob } from './query-job.ts'
export { type Match, type Request } from './request-matcher.ts'
