/** Makes text that others wrote safe to look at: nothing in it can hide, reorder or draw over what stands beside it. */

/** Controls, line and paragraph separators, zero-width and direction marks, tags, and what fonts draw as nothing. */
const HIDING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0]/gu

/** Every hiding character as an escape that can be seen. */
export function visible(text: string): string {
  return text.replace(HIDING, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** What could end the quotation that the words stand in. */
const QUOTES = /["\p{Pi}\p{Pf}\u201a\u201e\u275d\u275e\u2e42\u301d-\u301f\uff02]/gu

/** Words of an agent: hiding characters become spaces, runs of space one, quotation marks single ones, at most `limit` characters. */
export function untrusted(text: string, limit: number): string {
  const plain = text.replace(HIDING, ' ').replace(QUOTES, '\'').replace(/\s+/gu, ' ').trim()
  return clip(plain, limit)
}

export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${[...text.slice(0, limit - 1)].join('').replace(/[\ud800-\udbff]$/, '')}…`
}

/** Letters that can pass for others: shown names that hold any are worth a second look. */
export function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
