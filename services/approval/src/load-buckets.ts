/** Waits as counts of buckets, so that a median needs no list of all of them. Pure. */

/** Upper end of the first bucket in ms; each further one ends a half later, the last has no end. */
const FIRST_MS = 500
const FACTOR = 1.5
const BUCKETS = 40

export function bucketOf(ms: number): number {
  const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(FACTOR))
  return Math.min(BUCKETS - 1, bucket)
}

/** Ms in the middle of the bucket in which the median lies: off by a quarter at most, under half a second by 250 ms. Undefined without any. */
export function medianOf(waits: Readonly<Record<string, number>>): number | undefined {
  const counts = Object.entries(waits).map(([bucket, count]) => [Number(bucket), count] as const).sort(([left], [right]) => left - right)
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  for (const [bucket, count] of counts) {
    seen += count
    if (seen * 2 >= total && count > 0) return Math.round(middleOf(bucket))
  }
  return undefined
}

function middleOf(bucket: number): number {
  const end = FIRST_MS * FACTOR ** bucket
  return bucket === 0 ? FIRST_MS / 2 : (end + end / FACTOR) / 2
}

/** Both together. */
export function addedWaits(left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...left }
  for (const [bucket, count] of Object.entries(right)) sum[bucket] = (sum[bucket] ?? 0) + count
  return sum
}
