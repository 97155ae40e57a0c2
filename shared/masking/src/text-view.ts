/**
 * A text as a reader would understand it: escapes of JSON, URLs and HTML decoded, full-width and other compatibility
 * forms folded to ASCII, invisible characters left out; with the way back to the source. Detectors look at both.
 */
export interface TextView {
  readonly text: string
  /** `offsets[i]`: where in the source the view's i-th unit begins; one more entry for the end. */
  readonly offsets: Int32Array
}

/** Characters that the view leaves out: controls, but for tab and line breaks; what Unicode says is not shown (joiners, directions, variations, tags). */
const INVISIBLE = String.raw`\0-\x08\v\f\x0E-\x1F\x7F-\x9F\p{Default_Ignorable_Code_Point}`

/** Characters that the view folds to ASCII. */
const FOLDED = [
  String.raw`\xA0\u2000-\u200A\u202F\u205F\u3000`, // spaces
  String.raw`\u2010-\u2015\u2212\uFE63`, // dashes
  String.raw`\u2024\u3002\uFE52\uFE6B\uFF01-\uFF61`, // stops, small and full-width forms
  String.raw`\u0660-\u0669\u06F0-\u06F9\u0966-\u096F`, // Arabic and Devanagari digits
  String.raw`\u2070-\u209C\u2100-\u214F\u2460-\u24FF\uFB00-\uFB06`, // super- and subscripts, letter-like and enclosed forms, ligatures
  String.raw`\u{1D400}-\u{1D7FF}\u{1F100}-\u{1F1AC}`, // mathematical and enclosed letters and digits
].join('')

/**
 * Everything that the view changes. Linear: a run of backslashes is entered at its beginning only, `(?:25)*` only after a
 * `%`. No `i` flag: with it, the Kelvin sign would match every k.
 */
const PATTERN = [
  String.raw`(?<!\\)\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|["/])`,
  '%(?:25)*[0-7][0-9A-Fa-f]',
  String.raw`&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|commat|period|plus|lowbar|amp|colon|sol);`,
  `[${INVISIBLE}${FOLDED}]`,
].join('|')
const SPECIAL = new RegExp(PATTERN, 'u')
const EACH_SPECIAL = new RegExp(PATTERN, 'gu')
const NOTHING = new RegExp(`^[${INVISIBLE}]$`, 'u')

/** Costs a fraction; most texts end here. */
const MAY_BE_SPECIAL = new RegExp(['[', String.raw`\0-\x08\v\f\x0E-\x1F\\%&\x7F-\uFFFF`, ']'].join(''))

const NAMED: Readonly<Record<string, string>> = { commat: '@', period: '.', plus: '+', lowbar: '_', amp: '&', colon: ':', sol: '/' }

/** Where a span of the view lies in the source; what was decoded from one escape is covered whole. */
export function toSource(view: TextView, start: number, end: number): readonly [number, number] {
  let last = end
  while (last < view.text.length && view.offsets[last] === view.offsets[last - 1]) last++
  return [view.offsets[start] ?? 0, view.offsets[last] ?? 0]
}

/** The view, or undefined when it would be the text itself. Line breaks stay line breaks. */
export function viewOf(text: string): TextView | undefined {
  if (!MAY_BE_SPECIAL.test(text) || !SPECIAL.test(text)) return undefined
  const offsets = new Int32Array(text.length * 2 + 1)
  let view = ''
  let from = 0
  const copy = (to: number): void => {
    for (let at = from, length = view.length; at < to; at++) offsets[length++] = at
    view += text.slice(from, to)
  }
  for (const match of text.matchAll(EACH_SPECIAL)) {
    copy(match.index)
    from = match.index + match[0].length
    const plain = plainForm(match[0])
    for (let unit = 0; unit < plain.length; unit++) offsets[view.length + unit] = match.index
    view += plain
  }
  copy(text.length)
  offsets[view.length] = text.length
  return { text: view, offsets }
}

function plainForm(special: string): string {
  const first = special.charCodeAt(0)
  if (first === 0x5c) return backslashed(special)
  if (first === 0x25) return escaped(Number.parseInt(special.slice(-2), 16))
  if (first === 0x26) return reference(special.slice(1, -1).toLowerCase())
  return folded(special)
}

function backslashed(special: string): string {
  if (special.at(-5) === 'u') return escaped(Number.parseInt(special.slice(-4), 16))
  return special.at(-3) === 'x' ? escaped(Number.parseInt(special.slice(-2), 16)) : special.slice(-1)
}

/** A decoded escape may itself be a compatibility form. */
function escaped(code: number): string {
  const character = String.fromCodePoint(code)
  return SPECIAL.test(character) ? folded(character) : character
}

function reference(name: string): string {
  if (!name.startsWith('#')) return NAMED[name] ?? ''
  const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
  return code <= 0x10ffff ? escaped(code) : ''
}

function folded(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  if (NOTHING.test(character)) return ''
  if ((code >= 0x2010 && code <= 0x2015) || code === 0x2212 || code === 0xfe63) return '-'
  if (code === 0x3002 || code === 0xff61) return '.'
  if (code >= 0x660 && code <= 0x6f9) return String(code & 0xf)
  if (code >= 0x966 && code <= 0x96f) return String(code - 0x966)
  // A character that folds into several (½, ⑽, a ligature) has at most four units; the offsets array holds two per source unit.
  return character.normalize('NFKC').slice(0, character.length * 2)
}
