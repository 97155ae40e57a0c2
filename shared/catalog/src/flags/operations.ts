/** Methods that answer with an operation that the caller polls. */

/** BigQuery answers with a job of its own kind, polled by `jobs.get` and `jobs.getQueryResults`. */
const JOBS: ReadonlySet<string> = new Set(['bigquery.jobs.insert', 'bigquery.jobs.query'])

export function isLongRunning(id: string, change: boolean, answer: string | undefined): boolean {
  if (!change || /[.oO]perations\./.test(id)) return false
  return answer === 'Operation' || answer === 'GoogleLongrunningOperation' || JOBS.has(id)
}
