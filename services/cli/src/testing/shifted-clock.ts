/** Tests only: the system's clock, set ahead by hand, and the clocks of other processes. */
import { systemClock, type Clock } from '@lockkeeper/domain'

export interface ShiftedClock extends Clock { ahead(ms: number): void }

/** Only the wall clock moves: ages and deadlines are measured on the other one. */
export function createShiftedClock(): ShiftedClock {
  let shift = 0
  return { now: () => systemClock.now() + shift, monotonic: () => systemClock.monotonic(), ahead: (ms) => { shift += ms } }
}

/** For a process of its own, as a module: its wall clock is ahead by so much, or behind. */
export const wallClockOff = (ms: number): string => `const D=Date,by=${ms};globalThis.Date=class extends D{constructor(...given){given.length===0?super(D.now()+by):super(...given)}static now(){return D.now()+by}}`

/** For a process of its own, as a module: both its clocks go ahead by so much with each SIGUSR2, which it says. */
export const aheadAtSignal = (ms: number): string => `const D=Date,now=performance.now.bind(performance);let by=0;globalThis.Date=class extends D{constructor(...given){given.length===0?super(D.now()+by):super(...given)}static now(){return D.now()+by}};performance.now=()=>now()+by;process.on('SIGUSR2',()=>{by+=${ms};process.stdout.write('clock ahead\\n')})`

/** For a process of its own, as a module: `afterMs` after its start its monotonic clock jumps ahead by `ms`, as if so much time had passed. */
export const monotonicJump = (ms: number, afterMs: number): string => `const now=performance.now.bind(performance);let by=0;performance.now=()=>now()+by;setTimeout(()=>{by=${ms}},${afterMs}).unref()`
