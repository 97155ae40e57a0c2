/**
 * The words of a GoogleSQL text: comments and literals are passed over, so that what looks like a statement inside them is none.
 * Undefined for a text that does not lex (an open string, comment or quoted name; over 100,000 words): then nobody can say what it does.
 */
export interface SqlToken {
  /** `word`: upper case; `quoted`: a quoted name; `literal`: string or number; `mark`: one character. */
  readonly kind: 'word' | 'quoted' | 'literal' | 'mark'
  readonly text: string
}

/** Readers differ on whether these end a line or a line comment; a text that holds one is not lexed. A carriage return needs its line feed. */
const UNCLEAR = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]|\r(?!\n)/

/** Some 60 ms of work. A text of more words is longer than people write, and reading it would hold up every other call. */
const MAX_TOKENS = 100_000

const SPACE = /\s+/y
const LINE_COMMENT = /(?:--|#)[^\r\n]*/y
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y
const STRING = /(?:[rR][bB]?|[bB][rR]?)?(?:"""|'''|"|')/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*|@@?[A-Za-z_][A-Za-z0-9_.]*/y
const NUMBER = /(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)/y

export function lexSql(text: string): readonly SqlToken[] | undefined {
  if (UNCLEAR.test(text)) return undefined
  const tokens: SqlToken[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (tokens.length > MAX_TOKENS) return undefined
    if (take(SPACE) !== undefined || take(LINE_COMMENT) !== undefined || take(BLOCK_COMMENT) !== undefined) continue
    if (text.startsWith('/*', at)) return undefined
    const opened = take(STRING)
    if (opened !== undefined) {
      const end = endOfString(text, at, opened)
      if (end === undefined) return undefined
      at = end
      tokens.push({ kind: 'literal', text: '' })
      continue
    }
    if (text[at] === '`') {
      const end = endOfString(text, at + 1, '`')
      if (end === undefined) return undefined
      tokens.push({ kind: 'quoted', text: text.slice(at + 1, end - 1) })
      at = end
      continue
    }
    const word = take(WORD)
    if (word !== undefined) tokens.push({ kind: 'word', text: word.toUpperCase() })
    else if (take(NUMBER) !== undefined) tokens.push({ kind: 'literal', text: '' })
    else tokens.push({ kind: 'mark', text: text[at++] ?? '' })
  }
  return tokens
}

/** Index after the closing quote. A backslash takes the next character with it, in raw strings too. */
function endOfString(text: string, from: number, opened: string): number | undefined {
  const quote = opened.replace(/^[rRbB]+/, '')
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text.startsWith(quote, at)) return at + quote.length
    else if (quote.length === 1 && (text[at] === '\n' || text[at] === '\r')) return undefined
  }
  return undefined
}
