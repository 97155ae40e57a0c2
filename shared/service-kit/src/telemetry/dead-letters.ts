/** Events that were given up, where looking at them disturbs nobody: in the embedded edition's own queue. Pub/Sub counts its own. */
import type { EventBus } from '@lockkeeper/domain/ports'
import type { Telemetry } from './telemetry.ts'

const MOST = 1_000

/** By subscription, 1,000 in all at most. */
export function observeDeadLetters(telemetry: Telemetry, events: Pick<EventBus, 'deadLetters'>): void {
  telemetry.gauge({ name: 'lockkeeper.events.dead', unit: '{event}', text: 'Events that were given up and lie among the dead letters.' }, async () => {
    const counts = new Map<string, number>()
    for (const { subscription } of await events.deadLetters(MOST)) counts.set(subscription, (counts.get(subscription) ?? 0) + 1)
    return counts.size === 0 ? 0 : [...counts].map(([subscription, count]) => [count, { 'lockkeeper.subscription': subscription }] as const)
  })
}
