/** Calls held open for a person's decision: caps, deadlines, and the end of all of them when the gateway stops or a lock falls. */
import type { Limits } from './limits.ts'

export interface Hold {
  /** Fires when the hold's time is over, the client has left, the gateway stops, or `end` was called for it. */
  readonly signal: AbortSignal
  readonly why: () => 'time' | 'left' | 'stopping' | 'locked' | undefined
  release(): void
}

export interface HoldingClient {
  /** Already gone: its `close` will not come again. */
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

interface Entry { readonly agent: string, readonly run: string, readonly target: string, end(why: 'stopping' | 'locked'): void }

export interface Holds {
  /** Undefined: a cap is reached, answer at once. */
  begin(who: { readonly agent: string, readonly run: string, readonly target: string }, ms: number, client: HoldingClient): Hold | undefined
  endAll(why: 'stopping' | 'locked', which?: (entry: { readonly agent: string, readonly run: string, readonly target: string }) => boolean): number
  readonly size: number
}

export function createHolds(limits: Pick<Limits, 'held' | 'heldPerAgent'>): Holds {
  const entries = new Set<Entry>()
  const perAgent = new Map<string, number>()
  let stopping = false
  const count = (agent: string, step: 1 | -1): void => {
    const next = (perAgent.get(agent) ?? 0) + step
    if (next === 0) perAgent.delete(agent)
    else perAgent.set(agent, next)
  }
  return {
    get size() { return entries.size },
    begin(who, ms, client) {
      if (stopping || entries.size >= limits.held || (perAgent.get(who.agent) ?? 0) >= limits.heldPerAgent) return undefined
      const controller = new AbortController()
      let why: 'time' | 'left' | 'stopping' | 'locked' | undefined
      const end = (reason: NonNullable<typeof why>): void => {
        why ??= reason
        controller.abort()
      }
      const left = (): void => end('left')
      const timer = setTimeout(end, ms, 'time')
      const entry: Entry = { ...who, end }
      client.once('close', left)
      if (client.closed) left()
      entries.add(entry)
      count(who.agent, 1)
      return {
        signal: controller.signal,
        why: () => why,
        release() {
          if (!entries.delete(entry)) return
          clearTimeout(timer)
          client.off('close', left)
          count(who.agent, -1)
        },
      }
    },
    endAll(why, which = () => true) {
      if (why === 'stopping') stopping = true
      const chosen = [...entries].filter(which)
      for (const entry of chosen) entry.end(why)
      return chosen.length
    },
  }
}
