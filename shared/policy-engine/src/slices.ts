/** Long work in slices, so that the calls in flight are served in between. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '@lockkeeper/domain'

/** Ms of work at a stretch. */
const SLICE_MS = 1
/** A call takes several turns of the event loop, and none of them should wait for a slice of its own. */
const TURNS = 4

export interface Slices {
  /** True when the slice is used up: await `rest()` then. Cheap enough for every step of a loop. */
  due(): boolean
  rest(): Promise<void>
}

/** Lets the calls in flight get on: several turns of the event loop, which cost nothing where there are none. */
async function otherTurns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn()
}

export function createSlices(clock: Clock, pause: () => Promise<void> = otherTurns): Slices {
  let began = clock.monotonic()
  return {
    due: () => clock.monotonic() - began >= SLICE_MS,
    async rest() {
      await pause()
      began = clock.monotonic()
    },
  }
}
