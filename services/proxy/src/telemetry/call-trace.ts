/** One call's span, and what is measured of it on its way. There is one only where telemetry is on. */
import { ERRORS, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Span } from '@lockkeeper/service-kit/telemetry'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { CallTelemetry } from './call-telemetry.ts'

/** `status`: undefined where no answer came. */
export interface UpstreamTime { readonly ms: number, readonly status: number | undefined }

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

  constructor(calls: CallTelemetry, from: string | undefined) {
    this.#calls = calls
    this.#from = from
    this.#startedAt = calls.clock.monotonic()
    this.#span = calls.telemetry.span('lockkeeper.call', { kind: 'server', link: from })
  }

  /** For events and log lines. */
  get traceparent(): string { return this.#span.traceparent }

  /** A guard has let the call pass. */
  passed(guard: keyof Witnesses): void {
    this.#span.event(guard)
  }

  /** The call needs a person. Such calls are few, and each is kept. `standing`: the trace of the request that it joins, where there is one. */
  needsPerson(standing: string | undefined): void {
    if (!this.#span.recording) {
      this.#span.end()
      this.#span = this.#calls.telemetry.span('lockkeeper.call', { kind: 'server', link: this.#from, always: true, since: this.#startedAt })
    }
    if (standing !== undefined && standing.slice(0, 35) !== this.#span.traceparent.slice(0, 35)) this.#span.link(standing)
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

  dialling({ facts, request }: Passage): void {
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

  end(passage: Passage & Partial<Witnesses>, end: Ending | Refusal): void {
    const { facts } = passage
    const status = isRefusal(end) ? ERRORS[end.reason].http : end.status
    this.#endUpstream(end.reason ?? 'no answer')
    if (this.#span.recording) {
      this.#span.tell({
        'http.request.method': passage.request.method, 'http.response.status_code': status, 'lockkeeper.door': facts.door, 'lockkeeper.target': facts.target, 'lockkeeper.method': facts.method,
        'lockkeeper.agent': facts.agent, 'lockkeeper.run': facts.run, 'lockkeeper.effect': facts.effect, 'lockkeeper.rule': facts.rule, 'lockkeeper.approval': facts.approval, 'lockkeeper.record': passage.intent?.id,
        'lockkeeper.result': isRefusal(end) ? 'refused' : end.result, 'lockkeeper.reason': end.reason, 'lockkeeper.held_ms': passage.heldMs === 0 ? undefined : Math.round(passage.heldMs),
      })
    }
    this.#span.end(status >= 500 ? end.reason ?? `HTTP ${status}` : undefined)
    this.#calls.ended(passage, end, this.#upstreamMs === undefined ? undefined : { ms: this.#upstreamMs, status: this.#status })
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
