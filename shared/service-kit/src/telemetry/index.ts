/** Traces and metrics, for whoever has them configured. */
export { observeDeadLetters } from './dead-letters.ts'
export { countDeliveries, type DeliveryOutcome } from './deliveries.ts'
export { readHeaders } from './headers-secret.ts'
export { startTelemetry } from './start-telemetry.ts'
export type { TelemetryOptions } from './telemetry-options.ts'
export { telemetryProblems, telemetrySchema, telemetrySettings, type TelemetryProblem, type TelemetrySettings } from './telemetry-schema.ts'
export { traced } from './traced.ts'
export { SECONDS, type Counter, type Facts, type Histogram, type Instrument, type Reading, type Span, type SpanKind, type SpanStart, type Telemetry } from './telemetry.ts'
