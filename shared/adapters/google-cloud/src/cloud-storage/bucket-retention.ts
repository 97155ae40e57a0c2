/** What the bucket promises of its own accord, whoever writes to it: for `doctor`, and for a service that will not start without. */
import { unavailable } from './blob-failures.ts'
import { bucketClient } from './bucket-client.ts'
import type { CloudStorageSettings } from './cloud-storage-blobs.ts'

export interface Retention {
  /** Since its creation an object can be neither deleted nor replaced for so long. 0: no policy. */
  readonly seconds: number
  /** Nobody can shorten it or take it away any more. */
  readonly locked: boolean
}

/** Needs storage.buckets.get. PortUnavailable where the bucket cannot be asked. One attempt. */
export async function readRetention({ bucket, endpoint, timeoutMs = 10_000 }: CloudStorageSettings): Promise<Retention> {
  try {
    const { retentionPolicy } = await bucketClient({ bucket, endpoint, timeoutMs }).metadata()
    const { retentionPeriod, isLocked } = (retentionPolicy ?? {}) as { readonly retentionPeriod?: unknown, readonly isLocked?: unknown }
    // An int64, hence text (Discovery: `Bucket.retentionPolicy.retentionPeriod`).
    const seconds = /^\d{1,10}$/.test(String(retentionPeriod)) ? Number(retentionPeriod) : 0
    return { seconds, locked: seconds > 0 && isLocked === true }
  } catch (error) {
    throw unavailable(`tell the retention of ${bucket}`, error)
  }
}
