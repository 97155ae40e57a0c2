/** Long work in slices, so that the calls in flight are served in between. */
import type { Clock } from '@lockkeeper/domain'

/** Ms of work at a stretch. */
const SLICE_MS = 4

export interface Slices {
  /** True when the slice is used up: await `rest()` then. Cheap enough for every step of a loop. */
  due(): boolean
  rest(): Promise<void>
}

export function createSlices(clock: Clock, pause: () => Promise<void>): Slices {
  let began = clock.monotonic()
  return {
    due: () => clock.monotonic() - began >= SLICE_MS,
    async rest() {
      await pause()
      began = clock.monotonic()
    },
  }
}
