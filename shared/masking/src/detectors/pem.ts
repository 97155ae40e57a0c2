/** Private keys in PEM: the one detector whose values cross lines. Kept apart because a text stream carries its state. */

const BEGIN = /-{4,5} ?BEGIN[ A-Z0-9]{0,40}PRIVATE KEY/g
const END = /-{4,5} ?END[ A-Z0-9]{0,40}KEY(?: BLOCK)? ?-{4,5}/g

/** Matches in every text in which a key could begin. */
export const PEM_HINT = /PRIVATE KEY/

export const PEM = 'pem'

/**
 * Adds a span from each beginning to its end, or to the end of the text where there is none. `open`: the text begins inside
 * a key. Returns whether it ends inside one. `\n` written as an escape makes no difference.
 */
export function findPem(text: string, open: boolean, add: (start: number, end: number) => void): boolean {
  let start = open ? 0 : nextBegin(text, 0)
  while (start !== -1) {
    END.lastIndex = start
    if (!END.test(text)) {
      if (start < text.length) add(start, text.length)
      return true
    }
    add(start, END.lastIndex)
    start = nextBegin(text, END.lastIndex)
  }
  return false
}

function nextBegin(text: string, from: number): number {
  BEGIN.lastIndex = from
  return BEGIN.exec(text)?.index ?? -1
}
