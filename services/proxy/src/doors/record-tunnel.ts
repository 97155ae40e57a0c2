/** The record of a CONNECT that leads to no target. */
import { LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import type { Parts } from '../parts.ts'

/** `refusal`: undefined for a tunnel that was opened. A log that takes nothing is said, not thrown: nothing was sent that needs its record first. */
export function recordTunnel(host: string, refusal: Refusal | undefined, { records, clock, settings, log }: Pick<Parts, 'records' | 'clock' | 'settings' | 'log'>): void {
  try {
    records.append({
      kind: 'outcome', at: clock.now(), mode: settings.mode, isolation: settings.isolation, origin: 'agent', door: 'forward', host: strike(host), verb: 'CONNECT', path: '',
      result: refusal === undefined ? 'answered' : 'refused', status: refusal === undefined ? 200 : 403, requestBytes: 0, responseBytes: 0, durationMs: 0,
      ...(refusal === undefined ? { detail: 'tunnel opened by configuration, content unseen' } : { reason: refusal.reason, detail: strike(refusal.message) }),
    })
  } catch (error) {
    if (!(error instanceof LockkeeperError)) throw error
    log.error({ host: strike(host) }, 'a tunnel could not be recorded: the audit log takes nothing')
  }
}
