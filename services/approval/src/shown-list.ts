/** Lists on a card: safe to print, bounded, and never cut in silence. */
import { clip, visible } from './shown-text.ts'

/** What could not be shown in full, in words; becomes a warning on the card. */
export type Cuts = string[]

const MAX_TEXT = 1000

/** At most `max` texts of at most 1,000 characters; `what` names them where any is left out. */
export function shownList(texts: readonly string[], what: string, max: number, cuts: Cuts): readonly string[] {
  const safe = texts.slice(0, max).map(visible)
  const shown = safe.map((text) => clip(text, MAX_TEXT))
  const left = texts.length - shown.length
  if (left > 0) cuts.push(`${left} more ${what}`)
  else if (shown.some((text, index) => text !== safe[index])) cuts.push(`the ends of long ${what}`)
  return left > 0 ? [...shown, `… and ${left} more`] : shown
}

export function shownMembers(map: Readonly<Record<string, string>>, what: string, max: number, cuts: Cuts): readonly string[] {
  return shownList(Object.entries(map).sort(([left], [right]) => left < right ? -1 : 1).map(([name, value]) => `${name} = ${value}`), what, max, cuts)
}
