/** The locks in force as this instance sees them; looked at by every call, so the common case is one empty check. */
import type { Clock, Lock } from '@lockkeeper/domain'
import { isInForce, locks, type LockDocument } from '@lockkeeper/domain/collections'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { watchSet } from './watched-set.ts'

export interface LocksView {
  readonly ready: Promise<void>
  age(): number
  refresh(): Promise<boolean>
  /** The first lock that stops such a call, widest scope first. */
  find(agent: string, run: string, target: string, now: number): Lock | undefined
  /** Called when a lock is set, so that held calls and open streams can be ended. */
  onLock(listener: (lock: Lock) => void): void
  close(): void
}

export function viewLocks(documents: Pick<DocumentStore, 'watch' | 'query'>, clock: Clock): LocksView {
  const byId = new Map<string, LockDocument>()
  const listeners: ((lock: Lock) => void)[] = []
  const set = watchSet<LockDocument>({
    documents, collection: locks, clock,
    onChange(id, lock) {
      if (lock === undefined) return void byId.delete(id)
      byId.set(id, lock)
      if (isInForce(lock, clock.now())) for (const listener of listeners) listener(lock)
    },
  })
  return {
    ready: set.ready, age: set.age, refresh: set.refresh, close: set.close,
    onLock: (listener) => void listeners.push(listener),
    find(agent, run, target, now) {
      if (byId.size === 0) return undefined
      for (const lock of byId.values()) if (isInForce(lock, now) && covers(lock, agent, run, target)) return lock
      return undefined
    },
  }
}

export function covers({ scope }: Pick<Lock, 'scope'>, agent: string, run: string, target: string): boolean {
  switch (scope.kind) {
    case 'everything': return true
    case 'agent': return scope.agent === agent
    case 'run': return scope.run === run
    case 'target': return scope.target === target
  }
}
