/** Says once that telemetry does not arrive, and once that it does again: it is never in the way of a call. */
import type { Log } from '../logger.ts'

export interface ExportProblems { ended(result: { readonly code: number, readonly error?: Error }): void }

/** ExportResultCode of OpenTelemetry. */
const SUCCESS = 0

export function exportProblems(log: Log): ExportProblems {
  let failing = false
  return {
    ended({ code, error }) {
      const failed = code !== SUCCESS
      if (failed === failing) return
      failing = failed
      // A line of it only: what a receiver answers is not ours to write down.
      if (failed) log.warn({ why: (error?.message ?? 'unknown').slice(0, 200), status: statusOf(error) }, 'telemetry cannot be sent; what does not fit into its queue is dropped')
      else log.info({}, 'telemetry is sent again')
    },
  }
}

function statusOf(error: Error | undefined): number | undefined {
  return error !== undefined && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}
