/** Work under a span of its own. */
import type { Span, SpanStart, Telemetry } from './telemetry.ts'

/** Ends the span with the work; a rejection is an error of the class that it has. Without telemetry the work alone is done. */
export async function traced<T>(telemetry: Telemetry | undefined, name: string, start: SpanStart, work: (span: Span | undefined) => Promise<T>): Promise<T> {
  if (telemetry === undefined) return work(undefined)
  const span = telemetry.span(name, start)
  try {
    const result = await work(span)
    span.end()
    return result
  } catch (error) {
    span.end(error instanceof Error ? error.name : 'unknown')
    throw error
  }
}
