/** Durations as people write them in policies: `30m`, `25s`, `12h`. */

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
export const DURATION = /^(\d{1,6})(s|m|h|d)$/

/** Milliseconds; undefined when the text is no duration. */
export function durationMs(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? []
  return count === undefined || unit === undefined ? undefined : Number(count) * (UNITS[unit] ?? Number.NaN)
}
