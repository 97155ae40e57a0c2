/** Whether a BigQuery job only reads: the SQL is one half of the answer, the settings around it the other. */
import { isJsonObject, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { classifySql, type SqlClass } from './classify-sql.ts'

export interface QueryJob {
  /** `none`: a load, copy or extract job, or no SQL at all. */
  readonly sql: SqlClass | 'none'
  /** A single query whose result goes to a cache table that nobody else sees. False whenever it is not certain. */
  readonly readsOnly: boolean
  /** Checked and priced, not run. */
  readonly dryRun: boolean
}

/** Settings that make a query write, or run as another principal or in a session made before. */
const WRITING: readonly string[] = ['destinationTable', 'connectionProperties', 'createSession', 'scriptOptions', 'tableDefinitions', 'userDefinedFunctionResources', 'schemaUpdateOptions']

/** `body` of `bigquery.jobs.insert` or `bigquery.jobs.query`, checked. The job's own functions and remote functions are BigQuery's affair: permissions there decide. */
export function queryJob(body: JsonObject): QueryJob {
  const configuration = objectOf(body['configuration'])
  const query = configuration === undefined ? body : objectOf(configuration['query'])
  const kinds = configuration === undefined ? [] : ['load', 'copy', 'extract'].filter((kind) => isSet(configuration[kind]))
  const text = query?.['query']
  const dryRun = (configuration ?? body)['dryRun'] === true
  if (query === undefined || typeof text !== 'string' || kinds.length > 0) return { sql: 'none', readsOnly: false, dryRun }
  const sql = classifySql(text)
  return { sql, readsOnly: sql === 'select' && WRITING.every((setting) => !isSet(query[setting])), dryRun }
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}

/** Left out, null, false and empty lists say nothing. */
function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
}
