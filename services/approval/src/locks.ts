/** The kill switch: sets and lifts locks. A lock's document and its fact commit together. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, type EventData } from '@lockkeeper/domain/events'
import { isInForce, locks, type LockDocument } from '@lockkeeper/domain/collections'
import type { Lock, LockScope } from '@lockkeeper/domain'
import type { Commit, DocumentStore } from '@lockkeeper/domain/ports'
import { z } from 'zod'
import { KEEP_MS } from './collections.ts'
import { SOURCE } from './facts.ts'
import { lockRef } from './lock-documents.ts'

const named = z.string().min(1).max(512)
const scope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everything') }),
  z.strictObject({ kind: z.literal('agent'), agent: named }),
  z.strictObject({ kind: z.literal('run'), run: named }),
  z.strictObject({ kind: z.literal('target'), target: named }),
])
const lockRequest = z.strictObject({ scope, reason: z.string().min(1).max(1000), by: named, until: z.number().int().positive().optional() })
const liftRequest = z.strictObject({ id: z.string().regex(/^lock_[A-Za-z0-9]{1,16}$/, 'is no lock\'s id'), reason: z.string().min(1).max(1000), by: named })

export interface Locks {
  /** Idempotent; a second lock on one scope never ends earlier than the first. REQUEST_INVALID when malformed or over already. */
  setLock(request: { readonly scope: LockScope, readonly reason: string, readonly by: string, readonly until?: number }): Promise<Lock | Refusal>
  /** NOT_FOUND when no such lock is set. */
  liftLock(request: { readonly id: string, readonly reason: string, readonly by: string }): Promise<Lock | Refusal>
  /** Those in force, at most 1,000. */
  listLocks(): Promise<readonly Lock[]>
}

export function createLocks(documents: DocumentStore, now: () => number): Locks {
  async function setLock(request: unknown): Promise<Lock | Refusal> {
    const parsed = lockRequest.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    const ref = lockRef(parsed.data.scope)
    return documents.transact<Lock>([ref], ([doc], at) => {
      if (parsed.data.until !== undefined && parsed.data.until <= at) return refuse('REQUEST_INVALID', 'The lock would be over already.')
      const before = doc?.data as LockDocument | undefined
      const standing = before !== undefined && isInForce(before, at) ? before : undefined
      const until = laterEnd(standing, parsed.data.until)
      const lock: LockDocument = {
        kind: 'lock', id: ref.id, scope: parsed.data.scope, reason: parsed.data.reason, by: parsed.data.by, at, live: true,
        revision: (before?.revision ?? 0) + 1, ...until === undefined ? {} : { until },
      }
      return changed(ref, lock, { id: lock.id, state: 'set', scope: lock.scope, by: lock.by, reason: lock.reason }, at)
    })
  }

  async function liftLock(request: unknown): Promise<Lock | Refusal> {
    const parsed = liftRequest.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    const { id, by, reason } = parsed.data
    const ref = { collection: locks, id }
    return documents.transact<Lock>([ref], ([doc], at) => {
      const before = doc?.data as LockDocument | undefined
      if (before?.kind !== 'lock' || !isInForce(before, at)) return refuse('NOT_FOUND', `There is no lock ${id.slice(0, 64)} in force.`)
      const lock: LockDocument = { ...before, live: false, revision: before.revision + 1, lifted: { by, reason, at }, deleteAt: at + KEEP_MS }
      return changed(ref, lock, { id: lock.id, state: 'lifted', scope: lock.scope, by, reason }, at)
    })
  }

  async function listLocks(): Promise<readonly Lock[]> {
    const live = await documents.query(locks, { name: 'live', equal: { live: true }, limit: 1000 })
    const at = now()
    return live.docs.flatMap(({ data }) => data.kind === 'lock' && isInForce(data, at) ? [publicLock(data)] : [])
  }

  return { setLock, liftLock, listLocks }
}

/** Undefined, without an end, is the latest of all. */
function laterEnd(standing: LockDocument | undefined, until: number | undefined): number | undefined {
  if (standing === undefined) return until
  return standing.until === undefined || until === undefined ? undefined : Math.max(standing.until, until)
}

function changed(ref: ReturnType<typeof lockRef>, lock: LockDocument, data: EventData<'lock.changed'>, at: number): Commit<Lock> {
  const fact = cloudEvent('lock.changed', SOURCE, `${lock.id}:${lock.at}:${lock.revision}`, at, data, lock.id)
  return { writes: [{ kind: 'put', ref, data: lock }], facts: [fact], result: publicLock(lock) }
}

function publicLock({ id, scope: locked, reason, by, at, until }: LockDocument): Lock {
  return { id, scope: locked, reason, by, at, ...until === undefined ? {} : { until } }
}

function malformed(error: z.ZodError): Refusal {
  return refuse('REQUEST_INVALID', `The lock is malformed: ${error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
}
