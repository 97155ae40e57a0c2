/** What an attempt makes of a delivery. Pure. */
import { backoffMs } from './backoff.ts'
import type { Attempt } from './channels/channel.ts'
import { KEEP_MS, type DeliveryDocument } from './collections.ts'
import { changeDueAt, isOpen, needless, withoutContent } from './plan.ts'
import type { Subject } from './subject.ts'

export interface Seen {
  /** Revision that the message showed. */
  readonly sentRevision: number
  readonly current: Subject
}

export function settled({ lease: _lease, why: _why, ...before }: DeliveryDocument, { sentRevision, current }: Seen, result: Attempt, random: () => number, now: number): DeliveryDocument {
  const common = { ...before, deleteAt: now + KEEP_MS }
  if (result.kind === 'sent') {
    // The subject went on while the message was on its way: it is changed once more.
    const behind = before.fact === undefined && current.revision > sentRevision
    const dueAt = behind ? changeDueAt(current, now) : 0
    return {
      ...withoutContent(common), state: behind ? 'waiting' : 'delivered', open: behind, shown: sentRevision, attempts: 0, dueAt, deliveredAt: now,
      ...behind ? { giveUpAt: dueAt + 86_400_000 } : {}, ...result.place === undefined ? {} : { place: result.place },
    }
  }
  if (result.kind === 'failed') return { ...withoutContent(common), state: 'failed', open: false, dueAt: 0, why: result.why }
  if (before.fact === undefined && before.shown === 0 && !isOpen(current)) return needless(common, now)
  const attempts = before.attempts + 1
  const dueAt = now + backoffMs(attempts, random, result.askedMs)
  if (dueAt > before.giveUpAt) return { ...withoutContent(common), state: 'failed', open: false, dueAt: 0, attempts, why: `given up after ${attempts} attempts: ${result.why}` }
  return { ...common, state: 'waiting', open: true, attempts, dueAt, why: result.why }
}
