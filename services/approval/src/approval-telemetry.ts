/** What the approval service says of itself where telemetry is on. A case carries the trace of its request, and everything that follows belongs there. */
import type { Clock } from '@lockkeeper/domain'
import type { ErrorReason } from '@lockkeeper/domain/errors'
import { traceOf, type CloudEvent } from '@lockkeeper/domain/events'
import { SECONDS, type Counter, type Histogram, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { ApprovalCase } from './approval-case.ts'

type Verdict = 'approve' | 'deny'

export class ApprovalTelemetry {
  readonly telemetry: Telemetry
  readonly #clock: Clock
  readonly #decisions: Counter
  readonly #waited: Histogram

  constructor(telemetry: Telemetry, clock: Clock) {
    this.telemetry = telemetry
    this.#clock = clock
    this.#decisions = telemetry.counter({ name: 'lockkeeper.approval.decisions', unit: '{decision}', text: 'Decisions of persons by what came of them.' })
    this.#waited = telemetry.histogram({ name: 'lockkeeper.approval.wait', unit: 's', text: 'From a request to the decision that settled it.' }, SECONDS)
  }

  /** Monotonic ms: when a decision began to be looked at. */
  begin(): number {
    return this.#clock.monotonic()
  }

  /** A decision that counts, in the trace of the call that it is about; what it came with is a link. */
  decided({ id, state, at, traceparent }: ApprovalCase, verdict: Verdict, event: CloudEvent | undefined, since: number): void {
    const facts = { 'lockkeeper.verdict': verdict, 'lockkeeper.outcome': state.state }
    this.#decisions.add(1, facts)
    if (state.state !== 'pending') this.#waited.record(Math.max(0, this.#clock.now() - at) / 1000, { 'lockkeeper.outcome': state.state })
    this.telemetry.span('lockkeeper.approval.decide', { kind: 'consumer', parent: traceparent, link: event === undefined ? undefined : traceOf(event), since, facts: { ...facts, 'lockkeeper.approval': id } }).end()
  }

  /** One that does not count. */
  refused(verdict: Verdict, reason: ErrorReason): void {
    this.#decisions.add(1, { 'lockkeeper.verdict': verdict, 'lockkeeper.outcome': reason })
  }
}
