/** Exchanges in progress, so that a lock or the end of the drain can cut them. */
import type { Lock } from '@lockkeeper/domain'
import { covers } from './locks-view.ts'

export interface OpenCalls {
  track(who: { readonly agent: string, readonly run: string, readonly target: string }, abort: (error: Error) => void): () => void
  /** Cuts those that the lock covers; returns how many. */
  cut(lock: Pick<Lock, 'scope'>, error: Error): number
  readonly size: number
}

export function createOpenCalls(): OpenCalls {
  const open = new Set<{ readonly agent: string, readonly run: string, readonly target: string, readonly abort: (error: Error) => void }>()
  return {
    get size() { return open.size },
    track(who, abort) {
      const entry = { ...who, abort }
      open.add(entry)
      return () => void open.delete(entry)
    },
    cut(lock, error) {
      const covered = [...open].filter(({ agent, run, target }) => covers(lock, agent, run, target))
      for (const { abort } of covered) abort(error)
      return covered.length
    },
  }
}
