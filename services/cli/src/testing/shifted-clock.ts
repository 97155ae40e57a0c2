/** Tests only: the system's clock, set ahead by hand. Only the wall clock moves: ages and deadlines are measured on the other one. */
import { systemClock, type Clock } from '@lockkeeper/domain'

export interface ShiftedClock extends Clock { ahead(ms: number): void }

export function createShiftedClock(): ShiftedClock {
  let shift = 0
  return { now: () => systemClock.now() + shift, monotonic: () => systemClock.monotonic(), ahead: (ms) => { shift += ms } }
}
