/**
 * What the services know of telemetry: spans and instruments. There is none of it where no endpoint is configured, so every use is
 * `telemetry?.…` and costs one comparison. What stands behind it is loaded on demand (open-otlp.ts); nothing is global, so no library
 * of ours or of Google's sends anything by itself.
 */

/** Values of spans and labels of metrics. Undefined ones are left out; text is cut and everything that looks like a credential struck out. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface SpanStart {
  /** Default `internal`. */
  readonly kind?: SpanKind
  /** A span of this process, or the `traceparent` of an event of the house. Anything malformed counts as none: the span begins a trace. */
  readonly parent?: Span | string | undefined
  /** A `traceparent` from outside or of another trace: shown beside the span; decides nothing. */
  readonly link?: string | undefined
  /** Kept whatever the sample ratio says. */
  readonly always?: boolean
  /** Monotonic ms of the clock, where it began earlier than now. */
  readonly since?: number
  readonly facts?: Facts
}

export interface Span {
  /** W3C trace context (`traceparent`) for whoever goes on with it. */
  readonly traceparent: string
  /** False: nothing said to it is kept. */
  readonly recording: boolean
  tell(facts: Facts): void
  event(name: string, facts?: Facts): void
  link(traceparent: string | undefined): void
  /** `error`: why it did not go well, from a closed set. Later calls do nothing. */
  end(error?: string): void
}

export interface Counter { add(amount: number, labels?: Facts): void }
export interface Histogram { record(value: number, labels?: Facts): void }
/** A number, or several with their labels; undefined: nothing to say now. */
export type Reading = number | undefined | readonly (readonly [value: number, labels: Facts])[]

export interface Instrument {
  /** Dots between words, as in OpenTelemetry's semantic conventions. */
  readonly name: string
  /** UCUM: `s`, `ms`, `{call}`. */
  readonly unit: string
  readonly text: string
}

export interface Telemetry {
  span(name: string, start?: SpanStart): Span
  counter(instrument: Instrument): Counter
  /** `bounds`: upper bounds of its buckets, ascending. */
  histogram(instrument: Instrument, bounds: readonly number[]): Histogram
  /** Read at each export. A rejection leaves it out of that export. */
  gauge(instrument: Instrument, read: () => Reading | Promise<Reading>): void
  /** The same, of something that only grows. */
  total(instrument: Instrument, read: () => Reading | Promise<Reading>): void
  /** Sends what is there, for 2 s at most. Never rejects. */
  shutdown(): Promise<void>
}

/** Seconds, for what takes from a millisecond to an hour. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 300, 1800, 3600] as const
