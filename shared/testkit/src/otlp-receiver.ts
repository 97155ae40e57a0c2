/** Receives OTLP/HTTP with JSON on loopback, as a collector does, and keeps what came (opentelemetry.io/docs/specs/otlp, section OTLP/HTTP). */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

type Value = string | number | boolean
export type Values = Readonly<Record<string, Value>>

export interface ReceivedSpan {
  readonly service: string
  readonly name: string
  readonly trace: string
  readonly id: string
  /** '' for a root. */
  readonly parent: string
  readonly facts: Values
  readonly events: readonly string[]
  readonly links: readonly { readonly trace: string, readonly id: string }[]
  readonly error: string | undefined
  /** Epoch nanoseconds. */
  readonly start: bigint
  readonly end: bigint
}

export interface ReceivedPoint {
  readonly service: string
  readonly metric: string
  readonly unit: string
  readonly labels: Values
  /** The value, or the number of measurements of a histogram. */
  readonly value: number
  /** Sum of a histogram. */
  readonly sum: number | undefined
}

export interface OtlpReceiver {
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  readonly points: readonly ReceivedPoint[]
  /** Everything as it came, headers too. */
  readonly requests: readonly { readonly path: string, readonly headers: IncomingMessage['headers'], readonly text: string }[]
  /** What it answers from now on. Default 200. */
  answer(status: number | 'never'): void
  close(): Promise<void>
}

interface Attribute { readonly key: string, readonly value: { readonly stringValue?: string, readonly intValue?: string | number, readonly doubleValue?: number, readonly boolValue?: boolean } }
interface Resourced { readonly resource: { readonly attributes: readonly Attribute[] } }
interface RawSpan {
  readonly name: string, readonly traceId: string, readonly spanId: string, readonly parentSpanId?: string, readonly attributes: readonly Attribute[], readonly events?: readonly { readonly name: string }[]
  readonly links?: readonly { readonly traceId: string, readonly spanId: string }[], readonly status?: { readonly code?: number, readonly message?: string }, readonly startTimeUnixNano: string, readonly endTimeUnixNano: string
}
interface RawPoint { readonly attributes: readonly Attribute[], readonly asDouble?: number, readonly asInt?: string | number, readonly count?: string | number, readonly sum?: number }
interface RawMetric { readonly name: string, readonly unit: string, readonly gauge?: { readonly dataPoints: readonly RawPoint[] }, readonly sum?: { readonly dataPoints: readonly RawPoint[] }, readonly histogram?: { readonly dataPoints: readonly RawPoint[] } }
interface Traces { readonly resourceSpans: readonly (Resourced & { readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[] })[] }
interface Metrics { readonly resourceMetrics: readonly (Resourced & { readonly scopeMetrics: readonly { readonly metrics: readonly RawMetric[] }[] })[] }

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const points: ReceivedPoint[] = []
  const requests: { readonly path: string, readonly headers: IncomingMessage['headers'], readonly text: string }[] = []
  let status: number | 'never' = 200
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      requests.push({ path: request.url ?? '', headers: request.headers, text })
      if (status === 'never') return
      if (status === 200) {
        if (request.url === '/v1/traces') spans.push(...readSpans(JSON.parse(text) as Traces))
        if (request.url === '/v1/metrics') points.push(...readPoints(JSON.parse(text) as Metrics))
      }
      response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, points, requests,
    answer(next) { status = next },
    close() {
      server.closeAllConnections()
      return new Promise((resolve, reject) => server.close((error) => error === undefined ? resolve() : reject(error)))
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function readSpans({ resourceSpans }: Traces): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map((span): ReceivedSpan => ({
    service: serviceOf(resource), name: span.name, trace: span.traceId, id: span.spanId, parent: span.parentSpanId ?? '', facts: valuesOf(span.attributes), events: (span.events ?? []).map(({ name }) => name),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ trace: traceId, id: spanId })), error: span.status?.code === 2 ? span.status.message ?? '' : undefined, start: BigInt(span.startTimeUnixNano), end: BigInt(span.endTimeUnixNano),
  }))))
}

function readPoints({ resourceMetrics }: Metrics): readonly ReceivedPoint[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.flatMap((metric) => (metric.gauge ?? metric.sum ?? metric.histogram)?.dataPoints.map((point): ReceivedPoint => ({
    service: serviceOf(resource), metric: metric.name, unit: metric.unit, labels: valuesOf(point.attributes), value: Number(point.count ?? point.asDouble ?? point.asInt), sum: point.sum,
  })) ?? [])))
}

function serviceOf({ attributes }: Resourced['resource']): string {
  return String(valuesOf(attributes)['service.name'])
}

function valuesOf(attributes: readonly Attribute[]): Values {
  return Object.fromEntries(attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [key, stringValue ?? (intValue === undefined ? doubleValue ?? boolValue ?? '' : Number(intValue))]))
}
