/**
 * Collections that one service writes and the proxies watch. What a service keeps for itself is declared in that service.
 * A watched set holds one heartbeat document, rewritten each second: silence proves nothing, an old beat proves staleness.
 */
import type { ErrorReason } from './errors.ts'
import type { Lock } from './index.ts'
import type { ApprovalView, Collection } from './ports.ts'

/** Id of the heartbeat document in every watched collection. */
export const HEARTBEAT_ID = 'heartbeat'

/** Ms between two beats of the one writer. */
export const HEARTBEAT_EVERY_MS = 1000

export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly id: typeof HEARTBEAT_ID
  /** Always true, so that it matches the watched query. */
  readonly live: true
  /** The writer's epoch ms. */
  readonly at: number
  /** Grows by one with every beat of one writer. */
  readonly beat: number
}

/** What the one writer puts in the place of its last beat. */
export function nextBeat(before: Heartbeat | undefined, now: number): Heartbeat {
  return { kind: 'heartbeat', id: HEARTBEAT_ID, live: true, at: now, beat: (before?.beat ?? 0) + 1 }
}

/** ApprovalView and what else a proxy needs to answer its agent. Written by the approval service only. */
export interface ApprovalDocument extends ApprovalView {
  readonly kind: 'approval'
  /** False once it was settled long ago: the proxies' watch drops it then. */
  readonly live: boolean
  /** Issuer, agent and run as in the attach key, so that a lock or a list can name them. */
  readonly issuer: string
  readonly target: string
  readonly resources: readonly string[]
  /** The state of the resource that it is about, see AccessRequest.stateHash. */
  readonly stateHash?: string
  /** The grant that approved it, where nobody was asked. */
  readonly grant?: string
  /** W3C trace context of the request, where it was traced. */
  readonly traceparent?: string
  /** Epoch ms of the request. */
  readonly at: number
  /** With `denied`, `expired`, `cancelled` and `unknown`: the reason that the agent is answered with. `reason` is its public text. */
  readonly refusal?: ErrorReason
  /** Of an `unknown` one: under it a proxy may still say what has become of it. */
  readonly fence?: string
  /** Epoch ms at which it was settled (denied, expired, cancelled, answered, unknown). */
  readonly settledAt?: number
  /** Epoch ms after which the store may delete it. */
  readonly deleteAt?: number
}

/** One collection for the service, read by every proxy. Document id = approval id, or `heartbeat`. */
export const approvals: Collection<ApprovalDocument | Heartbeat> = {
  name: 'approvals',
  ttlField: 'deleteAt',
  queries: {
    /** What proxies watch: `{ live: true }`, every request that waits, grants or was settled lately, and the heartbeat. */
    live: { equal: ['live'] },
    /** Requests under one attach key, newest first. */
    byAttach: { equal: ['attachHash'], order: { field: 'at', direction: 'desc' } },
    /** One agent's requests in one state: caps and lists. */
    byAgentState: { equal: ['issuer', 'agent', 'state'], order: { field: 'at', direction: 'desc' } },
    byState: { equal: ['state'], order: { field: 'at', direction: 'desc' } },
    all: { equal: ['kind'], order: { field: 'at', direction: 'desc' } },
  },
}

/** A lock as every proxy watches it. One document for each scope; its id comes from the scope. A lifted one stays for 30 days. */
export interface LockDocument extends Lock {
  readonly kind: 'lock'
  /** False once lifted. A lock whose `until` has passed may still be live: check `until` too. */
  readonly live: boolean
  /** Grows with every change of this scope's lock. */
  readonly revision: number
  readonly lifted?: { readonly by: string, readonly reason: string, readonly at: number }
  readonly deleteAt?: number
}

export const locks: Collection<LockDocument | Heartbeat> = {
  name: 'locks',
  ttlField: 'deleteAt',
  queries: {
    /** What proxies watch: `{ live: true }`, every lock that is set and the heartbeat. */
    live: { equal: ['live'] },
  },
}

/** True while a lock stops calls at `now` (epoch ms). */
export function isInForce(lock: Pick<LockDocument, 'live' | 'until'>, now: number): boolean {
  return lock.live && (lock.until === undefined || now < lock.until)
}
