/** What the proxy is at the moment, read when it is exported. */
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'

export interface ProxyReadings {
  readonly status: () => { readonly held: number, readonly open: number, readonly policyAgeMs: number, readonly locksAgeMs: number, readonly approvalsAgeMs: number, readonly targetsAgeMs: number }
  /** Records that are not durable yet; undefined where the writer does not say. */
  readonly queued: () => number | undefined
}

/** A view that was never complete has no age; a day is older than anything that is still used. */
const NEVER_MS = 86_400_000

export function observeProxy(telemetry: Telemetry, { status, queued }: ProxyReadings): void {
  const seconds = (ms: number): number => Math.min(ms, NEVER_MS) / 1000
  telemetry.gauge({ name: 'lockkeeper.holds', unit: '{call}', text: 'Calls held open for a person\'s decision.' }, () => status().held)
  telemetry.gauge({ name: 'lockkeeper.calls.open', unit: '{call}', text: 'Calls on their way to an upstream or back.' }, () => status().open)
  telemetry.gauge({ name: 'lockkeeper.view.age', unit: 's', text: 'Since a watched set was last known to be complete.' }, () => {
    const { policyAgeMs, locksAgeMs, approvalsAgeMs, targetsAgeMs } = status()
    return Object.entries({ policy: policyAgeMs, locks: locksAgeMs, approvals: approvalsAgeMs, targets: targetsAgeMs }).map(([view, ms]) => [seconds(ms), { 'lockkeeper.view': view }] as const)
  })
  telemetry.gauge({ name: 'lockkeeper.records.queued', unit: '{record}', text: 'Records that are not durable yet.' }, queued)
}
