/** Faults on demand: how tests make the upstream reset, stall or fail at a chosen request. */
import type { ServerResponse } from 'node:http'
import { requestMatches } from './request-log.ts'
import type { LoggedRequest, RequestFilter } from './request-log.ts'

export type FaultKind =
  /** The connection is cut after the request was read and before it took effect. */
  | 'reset'
  /** The request takes effect, then the connection is cut before the first byte of the answer. */
  | 'reset-after'
  /** The request takes effect, half of the body is sent, then the connection is cut. */
  | 'reset-body'
  /** The request takes effect; the answer's head waits for `release()` or `delayMs`. */
  | 'slow-header'
  /** Half of the body is sent, the rest waits for `release()` or `delayMs`. */
  | 'slow-body'
  /** The request takes no effect and is answered with `status`. */
  | 'status'

export interface FaultSpec {
  readonly match: RequestFilter | ((request: LoggedRequest) => boolean)
  readonly kind: FaultKind
  /** For kind `status`; default 503. */
  readonly status?: number
  /** Extra headers for kind `status`: `{ 'retry-after': '1' }`. */
  readonly headers?: Readonly<Record<string, string>>
  /** How many matching requests are hit; default 1. */
  readonly times?: number
  /** Longest wait of the slow kinds in ms; default and most 60,000. */
  readonly delayMs?: number
}

export interface Fault {
  /** Requests hit so far. */
  readonly hits: number
  /** Resolves when the first request has been hit. */
  readonly hit: Promise<void>
  /** Ends the waits of the slow kinds, those to come too. */
  release(): void
  /** No further request is hit; what waits is released. */
  clear(): void
}

export interface ArmedFault {
  readonly spec: FaultSpec
  readonly released: Promise<void>
}

interface Faults {
  add(spec: FaultSpec): Fault
  /** Counts the hit. The first armed fault that matches wins. */
  take(request: LoggedRequest): ArmedFault | undefined
  clear(): void
}

interface Entry extends ArmedFault { readonly fault: Fault, hitsLeft: number, onHit: () => void }

const LONGEST_WAIT_MS = 60_000

export function createFaults(): Faults {
  const entries: Entry[] = []
  return {
    add(spec) {
      const entry = armFault(spec)
      entries.push(entry)
      return entry.fault
    },
    take(request) {
      const entry = entries.find(({ spec, hitsLeft }) => hitsLeft > 0 && (typeof spec.match === 'function' ? spec.match(request) : requestMatches(spec.match, request)))
      if (entry === undefined) return undefined
      entry.onHit()
      return entry
    },
    clear() {
      for (const entry of entries.splice(0)) entry.fault.clear()
    },
  }
}

function armFault(spec: FaultSpec): Entry {
  const hit = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let hits = 0
  const entry: Entry = {
    spec,
    released: released.promise,
    hitsLeft: spec.times ?? 1,
    onHit: () => { hits += 1; entry.hitsLeft -= 1; hit.resolve() },
    fault: {
      get hits() { return hits },
      hit: hit.promise,
      release: () => { released.resolve() },
      clear: () => { entry.hitsLeft = 0; released.resolve() },
    },
  }
  return entry
}

/** Waits for the release, the longest wait or the client's leaving, whichever comes first. */
export async function waitForRelease(fault: ArmedFault, response: ServerResponse): Promise<void> {
  const done = Promise.withResolvers<void>()
  const timer = setTimeout(done.resolve, Math.min(fault.spec.delayMs ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS))
  response.once('close', done.resolve)
  await Promise.race([fault.released, done.promise])
  clearTimeout(timer)
  response.off('close', done.resolve)
}
