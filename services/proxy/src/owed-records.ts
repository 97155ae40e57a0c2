/**
 * Plain reads on their way whose record is owed. One that waits for longer than a moment gets its intent, so that a gateway that is
 * killed takes no more than that moment of reads with it, and none whose answer has begun to leave (invariant 8).
 */
import type { CallRecord } from './call-record.ts'
import type { Passage } from './passage.ts'
import type { Parts } from './parts.ts'
import { LockkeeperError } from '@lockkeeper/domain/errors'

/** Ms that a record may be owed, and between two looks. */
const OWED_MS = 1000
const LOOK_MS = 250

export interface OwedRecords {
  add(passage: Passage, record: CallRecord): void
  settle(passage: Passage): void
  close(): void
}

export function createOwedRecords(writes: Pick<Parts, 'records' | 'clock'>): OwedRecords {
  /** Oldest first. */
  const owed = new Map<Passage, { readonly record: CallRecord, readonly since: number }>()
  const look = (): void => {
    const before = writes.clock.monotonic() - OWED_MS
    for (const [passage, { record, since }] of owed) {
      if (since > before) return
      if (!written(record, passage, writes)) return
      owed.delete(passage)
    }
  }
  const timer = setInterval(look, LOOK_MS).unref()
  return {
    add: (passage, record) => void owed.set(passage, { record, since: writes.clock.monotonic() }),
    settle: (passage) => void owed.delete(passage),
    close: () => clearInterval(timer),
  }
}

/** False while the log takes nothing: the answer is not released either, and the next look tries again. */
function written(record: CallRecord, passage: Passage, writes: Pick<Parts, 'records' | 'clock'>): boolean {
  try {
    record.writeIntent(passage, writes)
    return true
  } catch (error) {
    if (error instanceof LockkeeperError) return false
    throw error
  }
}
