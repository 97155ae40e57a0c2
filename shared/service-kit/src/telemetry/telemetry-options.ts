/** What telemetry is started with. */
import type { Clock, Mode } from '@lockkeeper/domain'
import type { Log } from '../logger.ts'

export interface TelemetryOptions {
  /** `lockkeeper-proxy`, … */
  readonly serviceName: string
  readonly version: string
  /** Of this process and this start of it. */
  readonly instance: string
  readonly mode: Mode
  /** Base URL of an OTLP/HTTP receiver; `/v1/traces` and `/v1/metrics` are put after it. Undefined: no telemetry. */
  readonly endpoint: string | undefined
  /** Share of traces that are kept, 0 to 1. */
  readonly sampleRatio: number
  /** Headers of every export, read anew each time. Its failure is a failure of that export. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>
  readonly clock: Clock
  readonly log: Log
}
