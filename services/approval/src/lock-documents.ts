/** Locks, as documents that a transaction can name: one for each scope, its id made from the scope. */
import { sha256 } from '@lockkeeper/domain/digest'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import { isInForce, locks, type Heartbeat, type LockDocument } from '@lockkeeper/domain/collections'
import type { LockScope } from '@lockkeeper/domain'
import type { Doc, Ref } from '@lockkeeper/domain/ports'

/** What a lock can stop a call by. */
export interface Lockable { readonly agent: string, readonly run: string, readonly target: string }

export function lockId(scope: LockScope): string {
  return `lock_${sha256(serialise(fromPlain(scope))).replace(/[-_]/g, '').slice(0, 16)}`
}

export function lockRef(scope: LockScope): Ref<LockDocument | Heartbeat> {
  return { collection: locks, id: lockId(scope) }
}

/** The four locks that can stop a call, to be read in the same transaction as what they guard. */
export function lockRefs({ agent, run, target }: Lockable): readonly Ref<LockDocument | Heartbeat>[] {
  const scopes: readonly LockScope[] = [{ kind: 'everything' }, { kind: 'agent', agent }, { kind: 'run', run }, { kind: 'target', target }]
  return scopes.map(lockRef)
}

export interface LockFacts {
  /** One that stops the call now. */
  readonly inForce?: LockDocument
  /** When the latest lock was set, lifted since or not: no receipt from before it is given out. */
  readonly latestAt: number
}

export function lockFacts(docs: readonly (Doc | undefined)[], now: number): LockFacts {
  const found = docs.map((doc) => doc?.data as LockDocument | undefined).filter((lock) => lock !== undefined)
  const latestAt = found.reduce((latest, { at }) => Math.max(latest, at), Number.NEGATIVE_INFINITY)
  return { inForce: found.find((lock) => isInForce(lock, now)), latestAt }
}
