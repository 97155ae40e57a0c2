/** What calls are measured by. Labels are methods, effects, reasons and targets: never an agent, a resource or a URL. Where telemetry is off there is none of this. */
import { ERRORS, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Clock } from '@lockkeeper/domain'
import type { CallFacts } from '@lockkeeper/domain/records'
import { SECONDS, type Counter, type Histogram, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { Ending } from '../call-record.ts'

/** What is measured of a call when it has ended; every passage is one. */
export interface MeasuredCall {
  readonly facts: CallFacts
  readonly request: { readonly method?: string | undefined }
  /** Monotonic ms of the arrival. */
  readonly startedAt: number
  readonly heldMs: number
}

/** `status`: undefined where no answer came. */
export interface UpstreamTime { readonly ms: number, readonly status: number | undefined }

const MILLISECONDS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 25, 50, 100, 250, 500, 1_000, 5_000] as const

export class CallTelemetry {
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly #duration: Histogram
  readonly #added: Histogram
  readonly #upstream: Histogram
  readonly #held: Histogram
  readonly #decisions: Counter
  readonly #claims: Counter

  constructor(telemetry: Telemetry, clock: Clock) {
    this.telemetry = telemetry
    this.clock = clock
    this.#duration = telemetry.histogram({ name: 'http.server.request.duration', unit: 's', text: 'From an agent\'s request to the end of its answer.' }, SECONDS)
    this.#added = telemetry.histogram({ name: 'lockkeeper.call.added', unit: 'ms', text: 'What the gateway adds to a call: all of its time but that of the upstream and of persons.' }, MILLISECONDS)
    this.#upstream = telemetry.histogram({ name: 'http.client.request.duration', unit: 's', text: 'From the dial to the last byte of the upstream\'s answer.' }, SECONDS)
    this.#held = telemetry.histogram({ name: 'lockkeeper.hold.duration', unit: 's', text: 'How long calls were held open for a decision.' }, SECONDS)
    this.#decisions = telemetry.counter({ name: 'lockkeeper.decisions', unit: '{call}', text: 'Calls by what was decided and how they ended.' })
    this.#claims = telemetry.counter({ name: 'lockkeeper.claims', unit: '{claim}', text: 'Claims of approved calls by outcome.' })
  }

  held(ms: number, outcome: string): void {
    this.#held.record(ms / 1000, { 'lockkeeper.outcome': outcome })
  }

  claimed(outcome: string): void {
    this.#claims.add(1, { 'lockkeeper.outcome': outcome })
  }

  ended({ facts, startedAt, heldMs, request }: MeasuredCall, end: Ending | Refusal, upstream: UpstreamTime | undefined): void {
    const total = this.clock.monotonic() - startedAt
    const status = isRefusal(end) ? ERRORS[end.reason].http : end.status
    const effect = facts.effect ?? 'none'
    const verb = request.method ?? ''
    this.#duration.record(total / 1000, { 'http.request.method': verb, 'http.response.status_code': status })
    this.#added.record(Math.max(0, total - heldMs - (upstream?.ms ?? 0)), { 'lockkeeper.effect': effect, 'lockkeeper.target': facts.target })
    this.#decisions.add(1, { 'lockkeeper.effect': effect, 'lockkeeper.reason': end.reason ?? 'none', 'lockkeeper.method': facts.method, 'lockkeeper.target': facts.target })
    if (upstream !== undefined) this.#upstream.record(upstream.ms / 1000, { 'http.request.method': verb, 'http.response.status_code': upstream.status, 'error.type': upstream.status === undefined ? end.reason ?? 'none' : undefined, 'lockkeeper.target': facts.target })
  }
}
