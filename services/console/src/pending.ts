/** What was begun in a browser and ends with a second request: sign-ins, decisions at an identity provider. Bounded, single-use, short. */
import type { Clock } from '@lockkeeper/domain'

export interface Pending<T> {
  put(key: string, value: T): void
  /** Once: it is gone afterwards. Undefined when unknown or over. */
  take(key: string): T | undefined
}

/** `mostMs` default 10 min; the oldest of `most` (default 1,000) makes room. */
export function createPending<T>(clock: Clock, { mostMs = 600_000, most = 1_000 }: { readonly mostMs?: number, readonly most?: number } = {}): Pending<T> {
  const entries = new Map<string, { readonly value: T, readonly until: number }>()
  return {
    put(key, value) {
      for (const oldest of entries.keys()) {
        if (entries.size < most) break
        entries.delete(oldest)
      }
      entries.set(key, { value, until: clock.now() + mostMs })
    },
    take(key) {
      const found = entries.get(key)
      entries.delete(key)
      return found !== undefined && clock.now() < found.until ? found.value : undefined
    },
  }
}
