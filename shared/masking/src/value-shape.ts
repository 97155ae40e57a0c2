/**
 * One pass over the bytes of a plain string (printable ASCII, nothing escaped) that says what may stand in it, so that most strings
 * end here and the others meet only the detectors that could find something. It may see too much, never too little: a text in which
 * a detector finds something has the detector's bit.
 */
import { isLength } from './detectors/card.ts'

export const CARD = 1
export const PHONE = 2
const IBAN = 4
const EMAIL = 8
const URL_PASSWORD = 16
/** Two characters that begin a token of one of the fixed forms, or stand in the beginning of a private key. */
export const TOKEN = 32
/** A run of base64, or the whole string is one. */
export const BASE64 = 64
/** Begins like JSON. */
export const JSON_START = 128

/** Bit of each detector. */
export const SHAPES: Readonly<Record<string, number>> = { 'card': CARD, 'phone': PHONE, 'iban': IBAN, 'email': EMAIL, 'url-password': URL_PASSWORD }

/** The least digits that a detector's run has, letters and digits of an IBAN, and characters of a run of base64. */
const CARD_DIGITS = 13
const IBAN_LENGTH = 15
const BASE64_RUN = 24
const BASE64_WHOLE = 16

const OTHER = 0
const DIGIT = 1
const LETTER = 2
/** Space and dash. */
const GAP = 3
const DOT = 4

/** Kind of each byte. */
const KIND = table((character) => /\d/.test(character) ? DIGIT : /[a-z]/i.test(character) ? LETTER : character === ' ' || character === '-' ? GAP : character === '.' ? DOT : OTHER)
/** 1: both alphabets of base64, 2: the standard one, 4: the one for URLs, 0: neither. */
const ALPHABET = table((character) => /[^\W_]/.test(character) ? 1 : /[+/]/.test(character) ? 2 : /[-_]/.test(character) ? 4 : 0)
/** Ends the user and password of a URL. */
const ENDS_AUTHORITY = table((character) => /[\s/@?#"'<>]/.test(character) ? 1 : 0)

function table(of: (character: string) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => code < 128 ? of(String.fromCharCode(code)) : 0)
}

/** Seldom in other texts: of `AIza AQ. ya29. 4/0 GOCSPX- eyJ AKIA ASIA ABIA ACCA gh?_ github_pat_ xox xapp- hooks.slack.com PRIVATE KEY`; `1//` is seen where `//` is. */
const TOKEN_PAIRS = ['Iz', 'Q.', 'a2', '/0', 'PX', 'yJ', 'IA', 'CA', 'gh', 'b_', 'xo', 'xa', 'k.', ' K']

/** All three in one: kind, alphabet << 3, end of the authority << 6. */
const INFO = KIND.map((kind, code) => kind | (ALPHABET[code] as number) << 3 | (ENDS_AUTHORITY[code] as number) << 6)

/** By two neighbours, `first << 7 | second`. */
const PAIRS = pairs()

function pairs(): Uint8Array {
  const made = new Uint8Array(128 * 128)
  const put = (first: string, second: string, bit: number): void => {
    const at = first.charCodeAt(0) << 7 | second.charCodeAt(0)
    made[at] = (made[at] as number) | bit
  }
  for (const pair of TOKEN_PAIRS) put(pair.charAt(0), pair.charAt(1), TOKEN)
  for (let code = 0; code < 128; code++) put(String.fromCharCode(code), '@', EMAIL)
  for (const second of '(123456789') put('+', second, PHONE)
  put('(', '0', PHONE)
  put('l', ':', PHONE)
  put('L', ':', PHONE)
  return made
}

/** Looks at `bytes[start … end)`; every byte is below 0x80. */
export function shapeOf(bytes: Uint8Array, start: number, end: number): number {
  let shape = startsLikeJson(bytes, start, end)
  let previous = 0
  let before = OTHER
  // Digits with up to two separators between them.
  let spaced = 0
  let spacedFrom = 0
  let separators = 0
  let runStart = 0
  let joint = false
  // Letters and digits with a gap of one between them, and where among them an IBAN may begin.
  let letters = 0
  let mark = 0
  let ibanFrom = -1
  let authority = false
  let run = start
  let seen = 0
  let segment = start
  let longest = 0
  for (let at = start; at < end; at++) {
    const code = bytes[at] as number
    const info = INFO[code] as number
    const kind = info & 7
    shape |= PAIRS[previous << 7 | code] as number
    if (kind !== DIGIT && before === DIGIT) shape |= afterDigits(bytes, runStart, at, joint)
    if (kind === DIGIT) {
      if (before !== DIGIT) {
        joint = isJoint(bytes, start, at)
        runStart = at
      } else if (at - runStart === 2 && code !== 0x30 && previous === 0x30 && bytes[runStart] === 0x30) shape |= PHONE
      separators = 0
      if (++spaced === 1) spacedFrom = at
      letters++
      if (mark === 3 && ibanFrom === -1) ibanFrom = letters - 4
      mark = mark === 2 ? 3 : 0
      if (ibanFrom !== -1 && letters - ibanFrom >= IBAN_LENGTH) shape |= IBAN
    } else if (kind === LETTER) {
      if (spaced >= CARD_DIGITS) shape |= cardIn(bytes, spacedFrom, spaced, runStart)
      spaced = 0
      letters++
      mark = before === LETTER ? 2 : 1
      if (ibanFrom !== -1 && letters - ibanFrom >= IBAN_LENGTH) shape |= IBAN
    } else {
      if (kind === OTHER || ++separators > 2) {
        if (spaced >= CARD_DIGITS) shape |= cardIn(bytes, spacedFrom, spaced, runStart)
        spaced = 0
      }
      if (kind === GAP && before !== GAP) {
        if (mark === 1) mark = 0
      } else {
        letters = mark = 0
        ibanFrom = -1
      }
    }
    if (authority) {
      if (code === 0x3a) shape |= URL_PASSWORD
      if (info >> 6 === 1) authority = false
    }
    if (code === 0x2f && previous === 0x2f && at - start > 1) {
      if (bytes[at - 2] === 0x3a) authority = true
      else if (bytes[at - 2] === 0x31) shape |= TOKEN
    }
    const alphabet = info >> 3 & 7
    if (alphabet === 0) {
      if (at - run >= BASE64_RUN) shape |= base64Run(at - run, seen, longest, at - segment)
      if (run === start && at - start >= BASE64_WHOLE && isPadding(bytes, at, end)) shape |= BASE64
      run = segment = at + 1
      seen = longest = 0
    } else {
      seen |= alphabet
      if (code === 0x2f) {
        if (at - segment > longest) longest = at - segment
        segment = at + 1
      }
    }
    previous = code
    before = kind
  }
  if (before === DIGIT) shape |= afterDigits(bytes, runStart, end, joint)
  if (spaced >= CARD_DIGITS) shape |= cardIn(bytes, spacedFrom, spaced, runStart)
  if (run === start && end - start >= BASE64_WHOLE) shape |= BASE64
  else if (end - run >= BASE64_RUN) shape |= base64Run(end - run, seen, longest, end - segment)
  return shape
}

/** A server-sent event. */
const DATA = Buffer.from('data:')

function startsLikeJson(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] === 0x20) at++
  const first = at < end ? bytes[at] : 0
  if (first === 0x5b || first === 0x7b || first === 0x22) return JSON_START
  return first === 0x64 && DATA.every((byte, index) => bytes[start + index] === byte) ? JSON_START : 0
}

/** So many digits from here; in one group they are one card or, as in most ids, none. */
function cardIn(bytes: Uint8Array, from: number, count: number, lastGroup: number): number {
  if (from !== lastGroup) return CARD
  const digit = (at: number): number => (bytes[at] as number) - 0x30
  return isLength(digit(from) * 1000 + digit(from + 1) * 100 + digit(from + 2) * 10 + digit(from + 3), count) ? CARD : 0
}

/** A run that mixes the alphabets is a path, and its parts count. */
function base64Run(length: number, seen: number, longest: number, last: number): number {
  return (seen & 6) !== 6 ? length >= BASE64_RUN ? BASE64 : 0 : Math.max(longest, last) >= BASE64_RUN ? BASE64 : 0
}

function isPadding(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from > 2) return false
  for (let at = from; at < end; at++) if (bytes[at] !== 0x3d) return false
  return true
}

/** The group of digits that begins at `at` follows one of three or more as in a telephone number: `123-`, `123.`, `123 `, `(123) `. */
function isJoint(bytes: Uint8Array, start: number, at: number): boolean {
  let back = at - 1
  if (back < start) return false
  const gap = bytes[back]
  if (gap !== 0x20 && gap !== 0x2d && gap !== 0x2e && gap !== 0x29) return false
  if (gap === 0x20 && bytes[back - 1] === 0x29) back--
  return back - 3 >= start && KIND[bytes[back - 1] as number] === DIGIT && KIND[bytes[back - 2] as number] === DIGIT && KIND[bytes[back - 3] as number] === DIGIT
}

/** What a group of digits says once its end is known. */
function afterDigits(bytes: Uint8Array, start: number, end: number, joint: boolean): number {
  const length = end - start
  if (joint && length >= 3) return PHONE
  if (bytes[start] !== 0x30 || length < 2) return 0
  const next = bytes[end]
  return next === 0x20 || next === 0x2d || next === 0x2f ? PHONE : 0
}
