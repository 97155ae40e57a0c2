/** Moves cases on when their time has come: expiry, silent claims, receipts past their window, retirement. Bounded per pass. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isInForce, locks, type LockDocument } from '@lockkeeper/domain/collections'
import { PortUnavailable, type DocumentStore, type Ref } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { CaseStore } from './case-store.ts'
import { cases, grants, grantUses, KEEP_MS, type CaseDocument, type GrantDocument } from './collections.ts'
import { expiredFact, grantRef } from './grants.ts'
import type { ReceiptBox } from './receipt-box.ts'
import type { RequestStore } from './request-store.ts'
import { retiresAt } from './state-machine.ts'

const PER_PASS = 200

export interface SweepParts {
  readonly documents: DocumentStore
  readonly store: CaseStore
  readonly receipts: ReceiptBox
  readonly requestStore: RequestStore
  readonly now: () => number
  readonly log: Log
}

/** One pass; the number of cases that moved. */
export async function sweepCases(parts: SweepParts): Promise<number> {
  const due = await parts.documents.query(cases, { name: 'due', equal: { open: true }, from: 0, to: parts.now(), limit: PER_PASS })
  let moved = 0
  for (const doc of due.docs) {
    try {
      if (await moveOn(parts, doc.data)) moved += 1
    } catch (cause) {
      if (cause instanceof PortUnavailable) throw cause
      parts.log.error({ err: cause, approval: doc.id }, 'a case could not be moved on; the others are')
    }
  }
  return moved
}

async function moveOn({ store, receipts, requestStore, now }: SweepParts, found: CaseDocument): Promise<boolean> {
  // The request goes first: if the process ends here, the case is still due and this is done again.
  if (retiresAt(found) <= now()) await requestStore.remove(found.id)
  const changed = await store.change(found.id, () => ({ kind: 'tick' }))
  if (isRefusal(changed) || changed.next === changed.previous) return false
  for (const blob of changed.dropped ?? []) await receipts.remove(blob)
  return true
}

/** Locks whose end has passed leave the watched set; they were out of force already. */
export async function sweepLocks(documents: DocumentStore, now: () => number): Promise<void> {
  const live = await documents.query(locks, { name: 'live', equal: { live: true }, limit: 1000 })
  for (const { id, data } of live.docs) {
    if (data.kind !== 'lock' || isInForce(data, now())) continue
    const ref: Ref<LockDocument> = { collection: locks as typeof ref.collection, id }
    await documents.transact([ref], ([doc], at) => {
      const lock = doc?.data as LockDocument | undefined
      if (lock === undefined || !lock.live || isInForce(lock, at)) return { writes: [], facts: [], result: undefined }
      return { writes: [{ kind: 'put', ref, data: { ...lock, live: false, revision: lock.revision + 1, deleteAt: at + KEEP_MS } }], facts: [], result: undefined }
    })
  }
}

/** Grants whose end has passed, told once; they were of no use any more already. */
export async function sweepGrants(documents: DocumentStore, now: () => number): Promise<void> {
  const over = await documents.query(grants, { name: 'byLive', equal: { live: true }, from: 0, to: now(), limit: PER_PASS })
  for (const { id } of over.docs) {
    const last = await documents.query(grantUses, { name: 'byGrant', equal: { grant: id }, limit: 1 })
    await documents.transact([grantRef(id)], ([doc], at) => {
      const grant = doc?.data as GrantDocument | undefined
      if (grant === undefined || !grant.live || at < grant.until) return { writes: [], facts: [], result: undefined }
      return { writes: [{ kind: 'put', ref: grantRef(id), data: { ...grant, live: false } }], facts: [expiredFact(grant, last.docs[0]?.data.use ?? 0, at)], result: undefined }
    })
  }
}

/** Sealed answers that no case names: left by a process that ended between storing one and saying so. Run at start; bounded. */
export async function sweepOrphans({ store, receipts }: SweepParts): Promise<number> {
  let removed = 0
  let after: string | undefined
  for (let page = 0; page < 50; page += 1) {
    const found = await receipts.list(after)
    for (const { key, approval } of found) {
      const owner = await store.find(approval)
      const { state } = owner ?? {}
      // A claim in flight may be about to name it.
      if (state?.state === 'claimed' || (state?.state === 'answered' && state.receipt?.blob === key)) continue
      await receipts.remove(key)
      removed += 1
    }
    after = found.at(-1)?.key
    if (found.length < 200) break
  }
  return removed
}
