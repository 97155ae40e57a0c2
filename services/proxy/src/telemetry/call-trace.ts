/** One call's span, and what is measured of it on its way. There is one only where telemetry is on. */
import { ERRORS, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Span } from '@lockkeeper/service-kit/telemetry'
import type { Ending } from '../call-record.ts'
import type { CallTelemetry, MeasuredCall } from './call-telemetry.ts'

/** What a span says of a call when it has ended; every passage is one. */
export interface TracedCall extends MeasuredCall {
  /** `id`: of the record that stands for the call, where there is one. */
  readonly intent?: { readonly id: string | undefined }
}

export class CallTrace {
  readonly #calls: CallTelemetry
  /** What the agent says of where it comes from: a link, no parent. */
  readonly #from: string | undefined
  readonly #startedAt: number
  #span: Span
  #upstream: Span | undefined
  #dialledAt: number | undefined
  #upstreamMs: number | undefined
  #status: number | undefined
  /** Trace that the span links to already: a released hold begins again. */
  #joined: string | undefined

  /** `traceparent`: the request's header. */
  constructor(calls: CallTelemetry, traceparent: string | readonly string[] | undefined) {
    this.#calls = calls
    this.#from = typeof traceparent === 'string' ? traceparent : undefined
    this.#startedAt = calls.clock.monotonic()
    this.#span = calls.telemetry.span('lockkeeper.call', { kind: 'server', link: this.#from })
  }

  /** For events and log lines. */
  get traceparent(): string { return this.#span.traceparent }

  /** A guard has let the call pass. */
  passed(guard: string): void {
    this.#span.event(guard)
  }

  /** The call needs a person. Such calls are few, and each is kept. `standing`: the trace of the request that it joins, where there is one. */
  needsPerson(standing: string | undefined): void {
    if (!this.#span.recording) {
      this.#span.end()
      this.#span = this.#calls.telemetry.span('lockkeeper.call', { kind: 'server', link: this.#from, always: true, since: this.#startedAt })
    }
    if (standing === undefined || traceIdOf(standing) === this.#joined || traceIdOf(standing) === traceIdOf(this.#span.traceparent)) return
    this.#joined = traceIdOf(standing)
    this.#span.link(standing)
  }

  /** Held from now on; call what is returned when it is over. */
  waits(approval: string): (outcome: string) => void {
    const since = this.#calls.clock.monotonic()
    const span = this.#calls.telemetry.span('lockkeeper.hold', { parent: this.#span, facts: { 'lockkeeper.approval': approval } })
    return (outcome) => {
      this.#calls.held(this.#calls.clock.monotonic() - since, outcome)
      span.tell({ 'lockkeeper.outcome': outcome })
      span.end()
    }
  }

  /** Claims; call what is returned with what came of it. */
  claims(approval: string): (outcome: string) => void {
    const span = this.#calls.telemetry.span('lockkeeper.claim', { kind: 'client', parent: this.#span, facts: { 'lockkeeper.approval': approval } })
    return (outcome) => {
      this.#calls.claimed(outcome)
      span.tell({ 'lockkeeper.outcome': outcome })
      span.end()
    }
  }

  dialling({ facts, request }: MeasuredCall): void {
    this.#dialledAt = this.#calls.clock.monotonic()
    this.#upstream = this.#calls.telemetry.span('lockkeeper.upstream', { kind: 'client', parent: this.#span })
    if (this.#upstream.recording) this.#upstream.tell({ 'http.request.method': request.method, 'lockkeeper.target': facts.target, 'lockkeeper.method': facts.method })
  }

  /** At least the request line may have left. */
  sent(): void {
    this.#upstream?.event('sent')
  }

  headed(status: number): void {
    this.#status = status
    this.#upstream?.event('answered')
  }

  /** The upstream has said all that it says. */
  received(): void {
    this.#endUpstream(undefined)
  }

  end(call: TracedCall, end: Ending | Refusal): void {
    const { facts, request, heldMs, intent } = call
    const status = isRefusal(end) ? ERRORS[end.reason].http : end.status
    this.#endUpstream(end.reason ?? 'no answer')
    if (this.#span.recording) {
      this.#span.tell({
        'http.request.method': request.method, 'http.response.status_code': status, 'lockkeeper.door': facts.door, 'lockkeeper.target': facts.target, 'lockkeeper.method': facts.method,
        'lockkeeper.agent': facts.agent, 'lockkeeper.run': facts.run, 'lockkeeper.effect': facts.effect, 'lockkeeper.rule': facts.rule, 'lockkeeper.approval': facts.approval, 'lockkeeper.record': intent?.id,
        'lockkeeper.result': isRefusal(end) ? 'refused' : end.result, 'lockkeeper.reason': end.reason, 'lockkeeper.held_ms': heldMs === 0 ? undefined : Math.round(heldMs),
      })
    }
    this.#span.end(status >= 500 ? end.reason ?? `HTTP ${status}` : undefined)
    this.#calls.ended(call, end, this.#upstreamMs === undefined ? undefined : { ms: this.#upstreamMs, status: this.#status })
  }

  /** Once. `why`: it ends with the call, before its answer was complete. */
  #endUpstream(why: string | undefined): void {
    const [span, since, status] = [this.#upstream, this.#dialledAt, this.#status]
    if (span === undefined || since === undefined || this.#upstreamMs !== undefined) return
    this.#upstreamMs = this.#calls.clock.monotonic() - since
    if (span.recording) span.tell({ 'http.response.status_code': status })
    span.end(status !== undefined && status >= 500 ? `HTTP ${status}` : why)
  }
}

function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}
