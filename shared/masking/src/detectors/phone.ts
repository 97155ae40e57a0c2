import type { Detector } from './detector.ts'

/**
 * Forms that are telephone numbers and not ids, dates, versions or addresses of networks: bare digits without a sign of it
 * pass (member names tell those, see member-names.ts). All quantifiers are bounded.
 */
const PATTERNS: readonly RegExp[] = [
  // E.164 with any usual punctuation
  /\+\(?[1-9](?:[ ().\-/]{0,3}\d){6,14}(?!\d)/g,
  // International prefix 00
  /(?<![\d.])00[1-9](?:[ ().\-/]{0,2}\d){9,13}(?!\d)/g,
  // (415) 555-2671, 415-555-2671, 1.415.555.2671
  /(?<![\d.+-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}(?!\d)/g,
  // 601 234 567, 601-234-567
  /(?<![\d.+-])(?<!\d )[1-9]\d{2}([ -])\d{3}\1\d{3}(?![\d.]|[ -]\d)/g,
  // Trunk prefix, 9 digits at least, so no date: 020 7946 0958, 06 12 34 56 78, (030) 123456, 0171/1234567
  /(?<![\d.+-])(?=0(?:[ -]?\d){8})0\d{1,4}([ -])\d{2,4}(?:\1\d{2,4}){1,4}(?!\d)/g,
  /\(0\d{1,5}\) ?\d(?:[ -]?\d){4,9}(?!\d)/g,
  /(?<![\d.+\-/])0\d{2,4}\/\d{5,8}(?![\d/])/g,
  /(?:[Tt]el|TEL):\+?\d(?:[().-]{0,2}\d){4,14}/g,
]

export const phone: Detector = {
  name: 'phone',
  // The beginning of each pattern, so that timestamps and ids do not come further.
  hint: /\+\(?[1-9]|(?<![\d.])00[1-9]|\d{3}(?:[ .-]|\) ?)\d{3}[ .-]\d{3}|(?<![\d.+-])0\d{1,4}[ -]\d{2,4}[ -]\d|\(0\d|(?<![\d.+\-/])0\d{2,4}\/\d{5}|[Tt]el:|TEL:/,
  find(text, add) {
    for (const pattern of PATTERNS) {
      for (const match of text.matchAll(pattern)) add(match.index, match.index + match[0].length)
    }
  },
}

/** 7 to 20 digits with punctuation and perhaps an extension: what a member with a telephone's name may hold. */
export function isPhoneLike(text: string): boolean {
  if (text.length > 64 || !/^[\d\s+().,;:#*/-]*(?:(?:ext|x)[\d\s.:]*)?$/i.test(text)) return false
  const digits = text.replace(/\D/g, '').length
  return digits >= 7 && digits <= 20
}
