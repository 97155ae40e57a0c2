/** Private keys in PEM: the one kind of value that crosses lines. Kept apart because a text in pieces carries its state. */

const BEGIN = /-{4,5} ?BEGIN[ A-Z0-9]{0,40}PRIVATE KEY/g
const END = /-{4,5} ?END[ A-Z0-9]{0,40}KEY(?: BLOCK)? ?-{4,5}/g

/** Matches in every text in which a key could begin. */
export const PEM_HINT = /PRIVATE KEY/

export const PEM = 'pem'

/**
 * Adds a span from each beginning to its end, or to the end of the text where there is none; returns whether that was so.
 * A line break that is written as an escape makes no difference.
 */
export function findKeys(text: string, add: (start: number, end: number) => void): boolean {
  BEGIN.lastIndex = 0
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    const end = keyEnd(text, begin.index)
    add(begin.index, end ?? text.length)
    if (end === undefined) return true
    BEGIN.lastIndex = end
  }
  return false
}

/** Where the key that is open at `from` ends, or undefined. */
export function keyEnd(text: string, from: number): number | undefined {
  END.lastIndex = from
  return END.test(text) ? END.lastIndex : undefined
}

/** A line of a key's base64 or of its headers, or nothing: what may stand between beginning and end. */
export function isPemBody(text: string): boolean {
  return text.length <= 4096 && /^[A-Za-z0-9+/=\s]*$|^(?:Proc-Type|DEK-Info|Comment|Version): /.test(text)
}
