/** Who is signed in: opaque ids in a bounded store of this process. A restart signs everybody out. */
import { randomBytes } from 'node:crypto'
import { equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import type { Clock, PersonId } from '@lockkeeper/domain'

export interface Session {
  readonly person: PersonId
  /** Goes into a header of every request that changes anything. */
  readonly csrf: string
  readonly startedAt: number
}

export interface Sessions {
  /** The new session's id: 32 random bytes in base64url, kept here as a hash only. */
  start(person: PersonId): { readonly id: string, readonly session: Session }
  /** Undefined when unknown, idle for too long, or over. Each look counts as use. */
  find(id: string | undefined): Session | undefined
  /** The same without being use: what a stream that stays open asks. */
  stands(id: string): boolean
  end(id: string | undefined): void
}

export interface SessionLimits {
  /** Ms without use, default 30 min. */
  readonly idleMs: number
  /** Ms in all, default 8 h. */
  readonly mostMs: number
  /** Sessions at once; the one that was used longest ago makes room. Default 1,000. */
  readonly most: number
}

const SESSION_LIMITS: SessionLimits = { idleMs: 30 * 60_000, mostMs: 8 * 3_600_000, most: 1_000 }

export function randomId(): string {
  return randomBytes(32).toString('base64url')
}

export function createSessions(clock: Clock, { idleMs, mostMs, most }: SessionLimits = SESSION_LIMITS): Sessions {
  // In the order of their last use.
  const sessions = new Map<string, { readonly session: Session, readonly usedAt: number }>()
  const live = (key: string): { readonly session: Session, readonly usedAt: number } | undefined => {
    const found = sessions.get(key)
    const now = clock.now()
    if (found === undefined || (now - found.usedAt < idleMs && now - found.session.startedAt < mostMs)) return found
    sessions.delete(key)
    return undefined
  }
  return {
    start(person) {
      const id = randomId()
      const now = clock.now()
      const session: Session = { person, csrf: randomId(), startedAt: now }
      for (const oldest of sessions.keys()) {
        if (sessions.size < most) break
        sessions.delete(oldest)
      }
      sessions.set(sha256(id), { session, usedAt: now })
      return { id, session }
    },
    find(id) {
      if (id === undefined) return undefined
      const key = sha256(id)
      const found = live(key)
      if (found === undefined) return undefined
      sessions.delete(key)
      sessions.set(key, { ...found, usedAt: clock.now() })
      return found.session
    },
    stands: (id) => live(sha256(id)) !== undefined,
    end(id) {
      if (id !== undefined) sessions.delete(sha256(id))
    },
  }
}

export function csrfFits({ csrf }: Session, given: unknown): boolean {
  return typeof given === 'string' && equalInConstantTime(csrf, given)
}
