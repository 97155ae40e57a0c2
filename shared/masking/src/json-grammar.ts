/** RFC 8259 as tables over bytes: what the token loop needs to know of each byte. */

/** Ends or interrupts a plain stretch of a string: `"`, `\`, control characters. */
export const STOP = 1
export const ESCAPED = 2
export const NOT_ASCII = 4
export const AT_SIGN = 8
export const DIGIT = 16
/** `%` and `&`, which may begin an escape of another layer, and DEL, which no one sees. */
export const OTHER_ESCAPE = 32

/** Flags of each byte inside a string. */
export const STRING_FLAGS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x5c) return STOP | ESCAPED
  if (byte < 0x20 || byte === 0x22) return STOP
  if (byte >= 0x80) return NOT_ASCII
  if (byte === 0x40) return AT_SIGN
  if (byte >= 0x30 && byte <= 0x39) return DIGIT
  return byte === 0x25 || byte === 0x26 || byte === 0x7f ? OTHER_ESCAPE : 0
})

/** The escape after a backslash: 0 illegal, 1 complete, 4 four hexadecimal digits follow. */
export function escapeLength(byte: number): 0 | 1 | 4 {
  if (byte === 0x75) return 4
  return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0
}

export function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Rows: after `-`, after leading 0, in the integer, after `.`, in the fraction, after `e`, after its sign, in the exponent. Columns: 0, 1–9, `-`, `+`, `.`, `e`. 9: illegal. */
const NUMBER_STEPS: readonly (readonly number[])[] = [
  [1, 2, 9, 9, 9, 9],
  [9, 9, 9, 9, 3, 5],
  [2, 2, 9, 9, 3, 5],
  [4, 4, 9, 9, 9, 9],
  [4, 4, 9, 9, 9, 5],
  [7, 7, 6, 6, 9, 9],
  [7, 7, 9, 9, 9, 9],
  [7, 7, 9, 9, 9, 9],
]
export const NUMBER_ILLEGAL = 9

function numberColumn(byte: number): number {
  if (byte === 0x30) return 0
  if (byte > 0x30 && byte <= 0x39) return 1
  if (byte === 0x2d) return 2
  if (byte === 0x2b) return 3
  if (byte === 0x2e) return 4
  return byte === 0x65 || byte === 0x45 ? 5 : -1
}

/** The row after the first byte of a number; -1: no number begins with it. */
export function numberStart(byte: number): number {
  if (byte === 0x2d) return 0
  return byte >= 0x30 && byte <= 0x39 ? NUMBER_STEPS[0]?.[numberColumn(byte)] ?? -1 : -1
}

/** The next row; -1: the byte does not belong to the number any more; NUMBER_ILLEGAL: it is none. */
export function numberStep(row: number, byte: number): number {
  const column = numberColumn(byte)
  return column === -1 ? -1 : NUMBER_STEPS[row]?.[column] ?? NUMBER_ILLEGAL
}

/** A number may end in the rows of complete ones. */
export function numberMayEnd(row: number): boolean {
  return row === 1 || row === 2 || row === 4 || row === 7
}

export const LITERALS: ReadonlyMap<number, string> = new Map([[0x74, 'true'], [0x66, 'false'], [0x6e, 'null']])
