/** Telemetry over OTLP/HTTP with OpenTelemetry's SDK. Everything is bounded: queues, batches, series, time; what does not fit is dropped. */
import type { Attributes, Meter, ObservableCounter, ObservableGauge, ObservableResult } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { exportProblems, type ExportProblems } from './export-problems.ts'
import { beginSpan } from './otlp-span.ts'
import { plainFacts } from './plain-facts.ts'
import { houseSampler } from './sampling.ts'
import type { TelemetryOptions } from './telemetry-options.ts'
import type { Reading, Telemetry } from './telemetry.ts'

/** Ms for one export with its repetitions, and for the last one when the process ends. */
const EXPORT_MS = 2_000
const TRACES_EVERY_MS = 2_000
const METRICS_EVERY_MS = 30_000
const SPANS = { maxQueueSize: 4_096, maxExportBatchSize: 512, scheduledDelayMillis: TRACES_EVERY_MS, exportTimeoutMillis: EXPORT_MS } as const
const LIMITS = { attributeCountLimit: 32, attributeValueLengthLimit: 256, eventCountLimit: 64, linkCountLimit: 8, attributePerEventCountLimit: 8, attributePerLinkCountLimit: 4 } as const
/** Series of one instrument; the rest is counted together under `otel.metric.overflow`. */
const SERIES = 1_000
const SCOPE = 'lockkeeper'

export function openOtlp(options: TelemetryOptions & { readonly endpoint: string }): Telemetry {
  const { version, clock, log, sampleRatio } = options
  const resource = resourceOf(options)
  const problems = exportProblems(log)
  const traces = new TracerProvider({ resource, sampler: houseSampler(sampleRatio), spanLimits: LIMITS, spanProcessors: [new BatchSpanProcessor({ exporter: tell(new OTLPTraceExporter(receiver(options, 'traces')), problems), ...SPANS })] })
  const metrics = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({
    exporter: tell(new OTLPMetricExporter(receiver(options, 'metrics')), problems), exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: EXPORT_MS, cardinalityLimits: { default: SERIES },
  })] })
  const tracer = traces.getTracer(SCOPE, version)
  let ended: Promise<void> | undefined
  return {
    ...instrumentsOf(metrics.getMeter(SCOPE, version)),
    span: (name, start = {}) => beginSpan(tracer, clock, name, start),
    shutdown: () => ended ??= within(EXPORT_MS, Promise.allSettled([traces.shutdown(), metrics.shutdown()])),
  }
}

function resourceOf({ serviceName, version, instance, mode }: TelemetryOptions): Resource {
  return resourceFromAttributes({ 'service.namespace': 'lockkeeper', 'service.name': serviceName, 'service.version': version, 'service.instance.id': instance, 'lockkeeper.mode': mode })
}

function receiver({ endpoint, headers }: TelemetryOptions & { readonly endpoint: string }, signal: 'traces' | 'metrics') {
  return {
    url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}`, timeoutMillis: EXPORT_MS, concurrencyLimit: 4,
    ...headers === undefined ? {} : { headers: async (): Promise<Record<string, string>> => ({ ...await headers() }) },
  }
}

/** The same exporter, whose results are looked at. */
function tell<E extends { export(items: never, done: (result: { readonly code: number, readonly error?: Error }) => void): void }>(exporter: E, problems: ExportProblems): E {
  const send = exporter.export.bind(exporter)
  exporter.export = (items, done) => send(items, (result) => {
    problems.ended(result)
    done(result)
  })
  return exporter
}

function instrumentsOf(meter: Meter): Pick<Telemetry, 'counter' | 'histogram' | 'gauge' | 'total'> {
  return {
    counter({ name, unit, text }) {
      const counter = meter.createCounter(name, { unit, description: text })
      return { add: (amount, labels) => counter.add(amount, labelsOf(labels)) }
    },
    histogram({ name, unit, text }, bounds) {
      const histogram = meter.createHistogram(name, { unit, description: text, advice: { explicitBucketBoundaries: [...bounds] } })
      return { record: (value, labels) => histogram.record(value, labelsOf(labels)) }
    },
    gauge: ({ name, unit, text }, read) => observe(meter.createObservableGauge(name, { unit, description: text }), read),
    total: ({ name, unit, text }, read) => observe(meter.createObservableCounter(name, { unit, description: text }), read),
  }
}

function labelsOf(labels: Parameters<typeof plainFacts>[0] | undefined): Attributes | undefined {
  return labels === undefined ? undefined : plainFacts(labels)
}

function observe(instrument: ObservableGauge | ObservableCounter, read: () => Reading | Promise<Reading>): void {
  instrument.addCallback(async (result: ObservableResult) => {
    const reading = await read()
    const all = reading === undefined ? [] : typeof reading === 'number' ? [[reading, {}] as const] : reading
    for (const [value, labels] of all) if (Number.isFinite(value)) result.observe(value, plainFacts(labels))
  })
}

/** Resolves then or earlier; what is not sent by then is lost. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const patience = Promise.withResolvers<void>()
  const timer = setTimeout(patience.resolve, ms)
  await Promise.race([work, patience.promise])
  clearTimeout(timer)
}
