/** `telemetry` in lockkeeper.yaml and in the services' settings: where spans and metrics go. */
import type { Mode } from '@lockkeeper/domain'
import { z } from 'zod'

export const telemetrySettings = {
  /** Base URL of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318` for a collector beside the gateway. https in real mode, but for loopback. */
  otlp: z.url({ protocol: /^https?$/ }),
  /** Share of traces that are kept, 0 to 1. Traces of calls that wait for a person are always kept. */
  sampleRatio: z.number().min(0).max(1).default(0.1),
}

/** Of the services of the Google Cloud edition: what has to be proven to a receiver is the collector's to prove. */
export const telemetrySchema = z.strictObject(telemetrySettings)

export type TelemetrySettings = z.output<typeof telemetrySchema>

export interface TelemetryProblem { readonly path: readonly PropertyKey[], readonly message: string }

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/

/** What the schema cannot say: nothing secret in the URL, and nothing in the clear over a network (invariant 14). */
export function telemetryProblems(settings: Pick<TelemetrySettings, 'otlp'> | undefined, mode: Mode): readonly TelemetryProblem[] {
  if (settings === undefined) return []
  const { protocol, hostname, username, password, search, hash } = new URL(settings.otlp)
  const problem = (message: string): readonly TelemetryProblem[] => [{ path: ['telemetry', 'otlp'], message }]
  if (username !== '' || password !== '' || search !== '' || hash !== '') return problem('must be a plain URL: no user, query or fragment')
  return mode === 'real' && protocol === 'http:' && !LOOPBACK.test(hostname) ? problem('must be https in real mode; http only to a collector on this machine') : []
}
