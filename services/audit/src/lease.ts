/**
 * One owner of the log at a time. What keeps two folds from harming each other is the log itself: a segment's number is created once,
 * and whoever comes second reads again. The lease keeps them from working against each other, and from taking a writer for lost only
 * because its heartbeats went to the other one.
 */
import type { Clock } from '@lockkeeper/domain'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import type { Collection, DocumentStore, Ref } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'

interface LeaseDocument {
  readonly holder: string
  /** Grows with every change of the holder. */
  readonly term: number
  /** Epoch ms. */
  readonly until: number
}

const leases: Collection<LeaseDocument> = { name: 'audit-leases', queries: {} }
const LOG: Ref<LeaseDocument> = { collection: leases, id: 'log' }

/** Collections that the store must be opened with, where there is one. */
export const collections: readonly Collection[] = [leases]

export interface LeaseOptions {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** One start of this process. */
  readonly holder: string
  /** Ms that the lease holds without renewal. Default 15,000; renewed after a third of it. */
  readonly holdMs?: number
  /** Called once when it could not be renewed in time: another process may own the log now. */
  readonly onLost: (error: Error) => void
}

export interface Lease {
  /** Resolves with true once the lease is held, with false when `release` came first. Keeps trying, also through outages. */
  take(): Promise<boolean>
  readonly held: boolean
  /** Lets the next one in at once. Never rejects. */
  release(): Promise<void>
}

const TRY_EVERY_MS = 1_000

export function createLease({ documents, clock, log, holder, holdMs = 15_000, onLost }: LeaseOptions): Lease {
  let heldUntil = -Infinity
  let timer: NodeJS.Timeout | undefined
  let released = false
  let running: Promise<unknown> = Promise.resolve()

  async function claim(): Promise<boolean> {
    // Counted from before the question: the lease may only end earlier here than in the store.
    const asked = clock.monotonic()
    const outcome = await documents.transact([LOG], ([doc], now) => {
      const current = doc?.data as LeaseDocument | undefined
      if (current !== undefined && current.holder !== holder && now < current.until) return refuse('STATE_CHANGED', 'another process owns the log')
      const term = current?.holder === holder ? current.term : (current?.term ?? 0) + 1
      return { writes: [{ kind: 'put', ref: LOG, data: { holder, term, until: now + holdMs } }], facts: [], result: true }
    })
    if (isRefusal(outcome)) return false
    heldUntil = asked + holdMs
    return true
  }

  async function renew(): Promise<void> {
    try {
      if (!await claim()) return lose('another process has taken the lease on the log')
    } catch (error) {
      log.warn({ error: String(error) }, 'the lease on the log could not be renewed; it is tried again')
    }
    if (released) return
    const left = heldUntil - clock.monotonic()
    if (left <= 0) return lose('the lease on the log could not be renewed in time')
    timer = setTimeout(() => { running = renew() }, Math.min(holdMs / 3, left))
  }

  function lose(why: string): void {
    heldUntil = -Infinity
    if (!released) onLost(new Error(why))
  }

  return {
    get held() { return clock.monotonic() < heldUntil },
    async take() {
      while (!released) {
        const taken = await claim().catch((error: unknown) => {
          log.warn({ error: String(error) }, 'the lease on the log cannot be asked for; it is tried again')
          return false
        })
        if (taken && !released) {
          timer = setTimeout(() => { running = renew() }, holdMs / 3)
          return true
        }
        if (!released) await new Promise<void>((resolve) => { timer = setTimeout(resolve, TRY_EVERY_MS) })
      }
      return false
    },
    async release() {
      released = true
      clearTimeout(timer)
      await running
      if (clock.monotonic() >= heldUntil) return
      heldUntil = -Infinity
      await documents.transact([LOG], ([doc]) => {
        const current = doc?.data as LeaseDocument | undefined
        const mine = current?.holder === holder
        return { writes: mine ? [{ kind: 'put', ref: LOG, data: { ...current, until: 0 } }] : [], facts: [], result: undefined }
      }).catch((error: unknown) => log.warn({ error: String(error) }, 'the lease on the log could not be given back; it ends by itself'))
    },
  }
}
