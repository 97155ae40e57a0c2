import type { Clock } from '@lockkeeper/domain'

export interface ManualClock extends Clock {
  /** Both clocks go on by so many ms. */
  advance(ms: number): void
  /** The wall clock alone is set, as by an operator or NTP; the monotonic clock does not notice. */
  setWall(epochMs: number): void
}

/** Starts at 2026-01-01T00:00:00Z unless told otherwise. Stands still until moved. */
export function manualClock(startEpochMs = Date.UTC(2026, 0, 1)): ManualClock {
  let wall = startEpochMs
  let monotonic = 0
  return {
    now: () => wall,
    monotonic: () => monotonic,
    advance(ms) {
      if (!(ms >= 0)) throw new TypeError('a monotonic clock does not go back')
      wall += ms
      monotonic += ms
    },
    setWall(epochMs) { wall = epochMs },
  }
}
