import type { Detector } from './detector.ts'

/** The national part by country, as in the IBAN registry: n digits, a letters, c either. */
const COUNTRIES = 'AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c CZ20n DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT24c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c'

/** By country code the class of each character of the whole number: `aannnn…`. */
const BY_CODE: ReadonlyMap<string, string> = new Map(COUNTRIES.split(' ').map(row => {
  const national = [...row.slice(2).matchAll(/(\d+)([nac])/g)].map(part => (part[2] ?? '').repeat(Number(part[1])))
  return [row.slice(0, 2), `aann${national.join('')}`]
}))

/** International bank account numbers, plain or in groups, in either case, with their check digits. */
export const iban: Detector = {
  name: 'iban',
  hint: /[^\W\d_]{2}[ -]?\d[ -]?\d(?:[ -]?[^\W_]){11}/,
  find(text, add) {
    const start = /[a-z]{2}(?=[ -]?\d[ -]?\d)/gi
    for (let match = start.exec(text); match !== null; match = start.exec(text)) {
      const country = BY_CODE.get(match[0].toUpperCase())
      const end = country === undefined ? undefined : endOf(text, match.index, country)
      if (end !== undefined) add(match.index, end)
      start.lastIndex = end ?? match.index + 1
    }
  },
}

/** Stops at the first character that does not fit, so that near misses are cheap. */
function endOf(text: string, start: number, form: string): number | undefined {
  let compact = ''
  let separated = true
  let at = start
  for (; compact.length < form.length; at++) {
    const code = text.charCodeAt(at)
    if (fits(code, form.charCodeAt(compact.length))) {
      compact += text[at]
      separated = false
    } else if (separated || (code !== 0x20 && code !== 0x2d)) return undefined
    else separated = true
  }
  return remainder(compact) === 1 ? at : undefined
}

/** `form`: the code of n, a or c. */
function fits(code: number, form: number): boolean {
  const digit = code >= 0x30 && code <= 0x39
  if (form === 0x6e) return digit
  const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
  return letter || (digit && form === 0x63)
}

/** ISO 7064 mod 97-10 of the rearranged number, letters as 10 to 35. */
function remainder(compact: string): number {
  let rest = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest
}
