/** The newest records, and on request what comes after them. */
import type { StoredRecord } from '@lockkeeper/transparency-log'
import type { Pulse } from './pulse.ts'
import type { RecordFilter } from './record-filter.ts'
import type { RecordSearch } from './record-search.ts'
import type { SegmentIndex } from './segment-index.ts'

export interface TailOptions {
  readonly filter?: RecordFilter
  /** Records of before, default 20, at most 1,000. */
  readonly limit?: number
  /** Go on with what comes, until the signal. Default false. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
}

export interface TailParts {
  readonly search: RecordSearch
  readonly index: SegmentIndex
  readonly growth: Pulse
}

/** Oldest first. A slow reader costs no memory: it reads the log at its own pace. */
export async function * tail({ search, index, growth }: TailParts, options: TailOptions): AsyncGenerator<StoredRecord> {
  const { filter = {}, limit = 20, follow = false, signal } = options
  let next = index.last + 1
  if (limit > 0) yield* ((await search.page(filter, limit))?.records ?? []).toReversed()
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => stopped.resolve()
  signal?.addEventListener('abort', stop)
  try {
    while (follow && signal?.aborted !== true) {
      const grown = growth.next()
      await index.catchUp()
      const { last } = index
      for await (const { record } of search.forward(filter, next, last)) yield record
      next = last + 1
      await Promise.race([grown, stopped.promise])
    }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
