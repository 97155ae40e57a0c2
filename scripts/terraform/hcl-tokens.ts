/**
 * Tokens of Terraform's language with the place of each. hcl2json decides what the language is (read-configuration.ts asks it first);
 * it gives no lines, and does not tell a block from an argument, which is why this reads the same text again.
 */

export interface Token {
  readonly kind: 'name' | 'number' | 'text' | 'mark' | 'newline' | 'comment'
  /** A text without its quotes, with `${}` for each interpolation. */
  readonly text: string
  readonly line: number
  /** Offset from the start of its line. */
  readonly column: number
  /** What a text's interpolations say. */
  readonly inside?: readonly (readonly Token[])[]
  /** A text over several lines that begins with `<<`. */
  readonly heredoc?: true
}

interface Cursor {
  readonly source: string
  at: number
  line: number
  lineStart: number
}

const SIMPLE: readonly (readonly [Token['kind'], RegExp])[] = [
  ['comment', /(?:#|\/\/)[^\n]*|\/\*[\s\S]*?\*\//y],
  ['name', /[\p{ID_Start}_][\p{ID_Continue}-]*/uy],
  ['number', /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['mark', /=>|==|!=|<=|>=|&&|\|\||\.\.\.|::|[-+*/%!<>=?:,.()[\]{}]/y],
]

export function readTokens(source: string): readonly Token[] {
  return readUntil({ source, at: 0, line: 1, lineStart: 0 }, false)
}

/** To the end, or to the brace that closes an interpolation. */
function readUntil(cursor: Cursor, interpolation: boolean): readonly Token[] {
  const tokens: Token[] = []
  let depth = 0
  while (cursor.at < cursor.source.length) {
    const token = readToken(cursor)
    if (token === undefined) continue
    if (token.kind === 'mark' && token.text === '{') depth += 1
    if (token.kind === 'mark' && token.text === '}') depth -= 1
    if (interpolation && depth < 0) return tokens
    tokens.push(token)
  }
  if (interpolation) throw new SyntaxError(`an interpolation has no end in line ${cursor.line}`)
  return tokens
}

function readToken(cursor: Cursor): Token | undefined {
  const { source, at, line } = cursor
  const place = { line, column: at - cursor.lineStart }
  const char = source[at]
  if (char === '\n') {
    advance(cursor, at + 1)
    return { kind: 'newline', text: '\n', ...place }
  }
  if (char === ' ' || char === '\t' || char === '\r') {
    cursor.at += 1
    return undefined
  }
  if (char === '"') {
    cursor.at += 1
    return { kind: 'text', ...place, ...readTemplate(cursor, () => source[cursor.at] === '"' ? cursor.at + 1 : undefined) }
  }
  const heredoc = /<<-?([\w-]+)\n/y
  heredoc.lastIndex = at
  const opened = heredoc.exec(source)
  if (opened !== null) return readHeredoc(cursor, opened, place)
  for (const [kind, pattern] of SIMPLE) {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found === null) continue
    advance(cursor, at + found[0].length)
    return { kind, text: found[0], ...place }
  }
  throw new SyntaxError(`line ${line} has ${JSON.stringify(char)}, which Terraform's language does not know`)
}

function readHeredoc(cursor: Cursor, opened: RegExpExecArray, place: Pick<Token, 'line' | 'column'>): Token {
  advance(cursor, cursor.at + opened[0].length)
  const end = new RegExp(`[ \\t]*${opened[1] as string}(?=\\n|$)`, 'y')
  const read = readTemplate(cursor, () => {
    if (cursor.at !== cursor.lineStart) return undefined
    end.lastIndex = cursor.at
    return end.exec(cursor.source) === null ? undefined : end.lastIndex
  }, true)
  return { kind: 'text', heredoc: true, ...place, ...read }
}

/** `ended` gives the offset behind the template when it ends here. */
function readTemplate(cursor: Cursor, ended: () => number | undefined, heredoc = false): { readonly text: string, readonly inside: readonly (readonly Token[])[] } {
  const { source } = cursor
  const inside: (readonly Token[])[] = []
  let text = ''
  while (cursor.at < source.length) {
    const end = ended()
    if (end !== undefined) {
      advance(cursor, end)
      return { text, inside }
    }
    const two = source.slice(cursor.at, cursor.at + 2)
    const literal = /^(?:\$\$\{|%%\{)/.test(source.slice(cursor.at, cursor.at + 3)) ? 3 : two[0] === '\\' && !heredoc ? 2 : 1
    if (literal === 1 && (two === '${' || two === '%{')) {
      cursor.at += 2
      inside.push(readUntil(cursor, true))
      text += '${}'
      continue
    }
    text += source.slice(cursor.at, cursor.at + literal)
    advance(cursor, cursor.at + literal)
  }
  throw new SyntaxError(`a text has no end in line ${cursor.line}`)
}

function advance(cursor: Cursor, to: number): void {
  for (let at = cursor.at; at < to; at += 1) {
    if (cursor.source[at] !== '\n') continue
    cursor.line += 1
    cursor.lineStart = at + 1
  }
  cursor.at = to
}
