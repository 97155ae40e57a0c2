/** Starts telemetry where it is configured. Without an endpoint no line of the SDK is loaded. */
import type { TelemetryOptions } from './telemetry-options.ts'
import type { Telemetry } from './telemetry.ts'

export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry | undefined> {
  const { endpoint } = options
  if (endpoint === undefined) return undefined
  const { openOtlp } = await import('./open-otlp.ts')
  return openOtlp({ ...options, endpoint })
}
