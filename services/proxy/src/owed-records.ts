/**
 * Plain reads on their way whose record is owed. One that waits for longer than a moment gets its intent, so that a gateway that is
 * killed takes no more than that moment of reads with it, and none whose answer has begun to leave (invariant 8).
 */
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { CallRecord, RecordedCall, RecordWrites } from './call-record.ts'

/** Ms that a record may be owed, and between two looks. */
const OWED_MS = 1000
const LOOK_MS = 250

export interface OwedRecords {
  add(passage: RecordedCall, record: CallRecord): void
  settle(passage: RecordedCall): void
  close(): void
}

export function createOwedRecords(writes: RecordWrites): OwedRecords {
  /** Oldest first. */
  const owed = new Map<RecordedCall, { readonly record: CallRecord, readonly since: number }>()
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
function written(record: CallRecord, passage: RecordedCall, writes: RecordWrites): boolean {
  try {
    record.writeIntent(passage, writes)
    return true
  } catch (error) {
    if (error instanceof LockkeeperError) return false
    throw error
  }
}
