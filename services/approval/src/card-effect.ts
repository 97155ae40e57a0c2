/** What a call would do, as the API said beforehand, in words for a card. Pure. */
import type { EffectFacts } from '@lockkeeper/domain/ports'
import { clip, visible } from './shown-text.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** What BigQuery asks on demand for each TiB that a query reads; `currency` as of ISO 4217. */
export interface Price { readonly amount: number, readonly currency: string }

/** Without a price none is told. */
export function effectText({ kind, amount, more, why }: EffectFacts, price?: Price): string {
  const count = `${amount ?? '?'}${more === true ? ' or more' : ''}`
  switch (kind) {
    case 'bytes': return `By a dry run the query reads ${bytesText(Number(amount ?? 'NaN'))}${price === undefined ? '' : priceText(Number(amount ?? 'NaN'), price)}.`
    case 'objects': return `There are ${count} objects in it${amount === '0' && more !== true ? ' (older versions are not counted)' : ''}.`
    case 'tables': return `There are ${count} tables in it.`
    case 'accepted': return 'The API has checked it without doing it, and would accept it.'
    case 'refused': return `The API has checked it without doing it, and would refuse it: ${clip(visible(why ?? 'it gave no reason'), 500)}`
    case 'unknown': return `What it would do could not be found out (${clip(visible(why ?? 'no reason is known'), 200)}).`
  }
}

/** An estimate: minimums, flat rates and free shares are the account's own. */
function priceText(bytes: number, { amount, currency }: Price): string {
  const cost = bytes / 2 ** 40 * amount
  if (!Number.isFinite(cost)) return ''
  const told = cost === 0 || cost >= 0.01 ? `about ${cost.toFixed(2)}` : 'under 0.01'
  return `, which is ${told} ${visible(currency)} at ${amount} ${visible(currency)} for each TiB`
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
