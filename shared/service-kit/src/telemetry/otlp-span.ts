/** A span of OpenTelemetry behind the house's own interface: plain values, the house's clock, W3C trace context as text. */
import { ROOT_CONTEXT, SpanKind as Kind, SpanStatusCode, trace, TraceFlags, type Context, type HrTime, type Span as Recorded, type SpanContext, type Tracer } from '@opentelemetry/api'
import type { Clock } from '@lockkeeper/domain'
import { isTraceparent } from '@lockkeeper/domain/events'
import { plainFacts, plainText } from './plain-facts.ts'
import { keepAlways } from './sampling.ts'
import type { Facts, Span, SpanKind, SpanStart } from './telemetry.ts'

const KINDS: Readonly<Record<SpanKind, Kind>> = { internal: Kind.INTERNAL, server: Kind.SERVER, client: Kind.CLIENT, producer: Kind.PRODUCER, consumer: Kind.CONSUMER }

export function beginSpan(tracer: Tracer, clock: Clock, name: string, { kind = 'internal', parent, link, always = false, since, facts }: SpanStart): Span {
  const monotonic = clock.monotonic()
  const offset = clock.now() - monotonic
  const text = typeof parent === 'object' ? parent.traceparent : parent
  const under = spanContextOf(text)
  const context: Context = under === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, under)
  const beside = spanContextOf(link)
  const recorded = tracer.startSpan(name, {
    kind: KINDS[kind], startTime: hrTime(offset + (since ?? monotonic)),
    ...facts === undefined ? {} : { attributes: plainFacts(facts) }, ...beside === undefined ? {} : { links: [{ context: beside }] },
  }, always ? keepAlways(context) : context)
  return new OtlpSpan(recorded, () => hrTime(offset + clock.monotonic()))
}

class OtlpSpan implements Span {
  readonly recording: boolean
  readonly #span: Recorded
  readonly #now: () => HrTime
  #ended = false

  constructor(span: Recorded, now: () => HrTime) {
    this.#span = span
    this.#now = now
    this.recording = span.isRecording()
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext()
    return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
  }

  tell(facts: Facts): void {
    if (this.recording) this.#span.setAttributes(plainFacts(facts))
  }

  event(name: string, facts?: Facts): void {
    if (this.recording) this.#span.addEvent(name, facts === undefined ? undefined : plainFacts(facts), this.#now())
  }

  link(traceparent: string | undefined): void {
    const context = this.recording ? spanContextOf(traceparent) : undefined
    if (context !== undefined) this.#span.addLink({ context })
  }

  end(error?: string): void {
    if (this.#ended) return
    this.#ended = true
    if (error !== undefined && this.recording) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: plainText(error) })
    this.#span.end(this.#now())
  }
}

function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  if (traceparent === undefined || !isTraceparent(traceparent)) return undefined
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string]
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)]
}
