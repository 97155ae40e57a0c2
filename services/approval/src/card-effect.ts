/** What a call would do, as the API said beforehand, in words for a card. Pure. */
import type { EffectFacts } from '@lockkeeper/domain/ports'
import { clip, visible } from './shown-text.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

export function effectText({ kind, amount, more, why }: EffectFacts): string {
  const count = `${amount ?? '?'}${more === true ? ' or more' : ''}`
  switch (kind) {
    case 'bytes': return `By a dry run the query reads ${bytesText(Number(amount ?? 'NaN'))}.`
    case 'objects': return `There are ${count} objects in it${amount === '0' && more !== true ? ' (older versions are not counted)' : ''}.`
    case 'tables': return `There are ${count} tables in it.`
    case 'unknown': return `What it would do could not be found out (${clip(visible(why ?? 'no reason is known'), 200)}).`
  }
}

/** Whole numbers of bytes under 1 KiB, one digit after the point above. */
function bytesText(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'an unknown number of bytes'
  let [value, unit] = [bytes, 0]
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}
