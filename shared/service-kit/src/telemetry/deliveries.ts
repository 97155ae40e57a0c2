/** Deliveries of a bus that pushes or is pulled, by what came of them. */
import type { Telemetry } from './telemetry.ts'

/** `again`: not handled, and comes again; `dead`: given up, now a dead letter. */
export type DeliveryOutcome = 'done' | 'again' | 'dead'

export function countDeliveries(telemetry: Telemetry | undefined): { readonly onSettled?: (subscription: string, outcome: DeliveryOutcome) => void } {
  const counter = telemetry?.counter({ name: 'lockkeeper.deliveries', unit: '{event}', text: 'Deliveries of events by subscription and by what came of them; dead: given up.' })
  return counter === undefined ? {} : { onSettled: (subscription, outcome) => counter.add(1, { 'lockkeeper.subscription': subscription, 'lockkeeper.outcome': outcome }) }
}
