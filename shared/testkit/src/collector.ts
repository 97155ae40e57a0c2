/** Collects what callbacks deliver and lets a test wait for it by event instead of by sleeping. */
export interface Collector<T> {
  readonly items: readonly T[]
  readonly add: (item: T) => void
  /** Resolves with all items once the condition holds; rejects after `patienceMs` (default 5,000) and says what there was. */
  until(condition: (items: readonly T[]) => boolean, patienceMs?: number): Promise<readonly T[]>
  /** As `until`, for a number of items. */
  count(wanted: number, patienceMs?: number): Promise<readonly T[]>
}

export function collector<T>(): Collector<T> {
  const items: T[] = []
  const checks = new Set<() => void>()
  const until = (condition: (items: readonly T[]) => boolean, patienceMs = 5000): Promise<readonly T[]> => new Promise((resolve, reject) => {
    const check = (): void => {
      if (!condition(items)) return
      clearTimeout(timer)
      checks.delete(check)
      resolve(items)
    }
    const timer = setTimeout(() => {
      checks.delete(check)
      reject(new Error(`waited ${patienceMs} ms in vain; collected ${items.length}: ${JSON.stringify(items.slice(-5)).slice(0, 500)}`))
    }, patienceMs)
    checks.add(check)
    check()
  })
  return {
    items, until,
    add(item) {
      items.push(item)
      for (const check of [...checks]) check()
    },
    count: (wanted, patienceMs) => until(all => all.length >= wanted, patienceMs),
  }
}
