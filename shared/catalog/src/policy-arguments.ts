/** What policies see as a call's arguments: those of path and query, and what only headers and body tell. */
import type { JsonObject } from '@lockkeeper/domain/json'
import { opensToEverybody } from './public-access.ts'
import { queryJob } from './query-job.ts'
import type { Match } from './request-matcher.ts'

const QUERY_JOBS: ReadonlySet<string> = new Set(['bigquery.jobs.query', 'bigquery.jobs.insert'])

/**
 * Adds `header.X-Goog-User-Project`, the project that is billed, and of a BigQuery job `sql.class`, `sql.readsOnly` and `sql.dryRun`
 * (see QueryJob), and `access.public` of a change that opens something to everybody without setIamPolicy; no other change has it.
 * `body` is the checked body; without one a job has no `sql.` arguments. The same object when there is nothing to add.
 */
export function policyArguments({ method, arguments: sent }: Pick<Match, 'method' | 'arguments'>, userProject: string | undefined, body: JsonObject | undefined): Match['arguments'] {
  const job = body !== undefined && QUERY_JOBS.has(method.id) ? queryJob(body) : undefined
  const opens = opensToEverybody({ method, arguments: sent }, body)
  if (userProject === undefined && job === undefined && !opens) return sent
  return {
    ...sent,
    ...(userProject === undefined ? {} : { 'header.X-Goog-User-Project': userProject }),
    ...(job === undefined ? {} : { 'sql.class': job.sql, 'sql.readsOnly': String(job.readsOnly), 'sql.dryRun': String(job.dryRun) }),
    ...(opens ? { 'access.public': 'true' } : {}),
  }
}
