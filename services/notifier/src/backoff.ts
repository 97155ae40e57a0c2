/** When a failed delivery is tried again. Pure. */

const FIRST_MS = 1_000
const MOST_MS = 600_000
/** Longest that a provider may ask us to wait. */
const MOST_ASKED_MS = 3_600_000

/** Exponential with full jitter over the upper half, 1 s to 10 min; `askedMs` is the provider's Retry-After. `random` in [0, 1). */
export function backoffMs(attempts: number, random: () => number, askedMs?: number): number {
  if (askedMs !== undefined) return Math.min(MOST_ASKED_MS, Math.max(FIRST_MS, askedMs)) + Math.floor(random() * FIRST_MS)
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, attempts - 1)))
  return Math.floor(full / 2 + random() * full / 2)
}

/** Ms of a Retry-After header: seconds or an HTTP date (RFC 9110 section 10.2.3). */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  // Date.parse reads much as a date that is none; an HTTP date begins with its weekday.
  return /^[A-Z][a-z]{2},/.test(header) && Number.isFinite(at) ? Math.max(0, at - now) : undefined
}
