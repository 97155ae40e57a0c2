/** The commands of a shell text, each as its words: what stands in pipes, lists, substitutions and loops too. Nothing is expanded. */

export interface ShellCommand {
  readonly words: readonly string[]
  readonly line: number
}

const SKIPPED = new Set(['for', 'case', 'select', 'done', 'fi', 'esac', '}', ')'])
const DROPPED = new Set(['do', 'then', 'else', 'elif', 'while', 'until', 'if', '!', '{', 'time', 'exec', 'sudo', '('])

interface Reader {
  readonly text: string
  at: number
  line: number
  readonly found: ShellCommand[]
  words: string[]
  start: number
  /** Ends of here-documents that begin on the next line. */
  readonly heredocs: string[]
}

export function shellCommands(text: string, firstLine: number): readonly ShellCommand[] {
  const reader: Reader = { text, at: 0, line: firstLine, found: [], words: [], start: firstLine, heredocs: [] }
  while (reader.at < text.length) step(reader)
  end(reader)
  return reader.found
}

function step(reader: Reader): void {
  const rest = reader.text.slice(reader.at)
  const blank = /^(?:[ \t]+|\\\n)/.exec(rest)?.[0]
  const comment = /^#[^\n]*/.exec(rest)?.[0]
  const redirection = /^\d*(?:<<-?['"]?(\w+)['"]?|>>|>&|[<>])(?:&?\d)?[ \t]*/.exec(rest)
  const operator = /^(?:\n|&&|\|\||;;|[|;&()])/.exec(rest)?.[0]
  if (blank !== undefined) skip(reader, blank.length)
  else if (comment !== undefined) skip(reader, comment.length)
  else if (redirection !== null) {
    skip(reader, redirection[0].length)
    if (redirection[1] !== undefined) reader.heredocs.push(redirection[1])
    else if (/[<>]\s*$/.test(redirection[0])) readWord(reader)
  } else if (operator !== undefined) {
    end(reader)
    skip(reader, operator.length)
    if (operator === '\n') for (const name of reader.heredocs.splice(0)) skipHeredoc(reader, name)
  } else {
    if (reader.words.length === 0) reader.start = reader.line
    reader.words.push(readWord(reader))
  }
}

function skip(reader: Reader, length: number): void {
  reader.line += reader.text.slice(reader.at, reader.at + length).split('\n').length - 1
  reader.at += length
}

function skipHeredoc(reader: Reader, name: string): void {
  const found = new RegExp(`^[ \\t]*${name}$`, 'm').exec(reader.text.slice(reader.at))
  skip(reader, found === null ? reader.text.length - reader.at : found.index + found[0].length)
}

function end(reader: Reader): void {
  const { words, start: line } = reader
  while (DROPPED.has(words[0] ?? '')) words.shift()
  while (/^\w+=/.test(words[0] ?? '')) words.shift()
  if (words.length > 0 && !SKIPPED.has(words[0] as string)) reader.found.push({ words, line })
  reader.words = []
}

function readWord(reader: Reader): string {
  let word = ''
  for (;;) {
    const char = reader.text[reader.at]
    if (char === undefined || /[\s|;&()<>]/.test(char)) return word
    if (char === '\'') word += quoted(reader, reader.text.indexOf('\'', reader.at + 1))
    else if (char === '"') word += doubleQuoted(reader)
    else if (reader.text.startsWith('$(', reader.at)) word += substitution(reader)
    else {
      const length = char === '\\' ? 2 : 1
      word += reader.text.slice(reader.at + length - 1, reader.at + length)
      skip(reader, length)
    }
  }
}

function quoted(reader: Reader, close: number): string {
  const last = close < 0 ? reader.text.length : close
  const inside = reader.text.slice(reader.at + 1, last)
  skip(reader, last + 1 - reader.at)
  return inside
}

function doubleQuoted(reader: Reader): string {
  let inside = ''
  skip(reader, 1)
  while (reader.at < reader.text.length && reader.text[reader.at] !== '"') {
    if (reader.text.startsWith('$(', reader.at)) {
      inside += substitution(reader)
      continue
    }
    const length = reader.text[reader.at] === '\\' ? 2 : 1
    inside += reader.text.slice(reader.at, reader.at + length)
    skip(reader, length)
  }
  skip(reader, 1)
  return inside
}

/** What stands in `$(…)` is commands of its own; to the word it is `$()`. */
function substitution(reader: Reader): string {
  let depth = 0
  let at = reader.at + 1
  do {
    if (reader.text[at] === '(') depth += 1
    if (reader.text[at] === ')') depth -= 1
    at += 1
  } while (depth > 0 && at < reader.text.length)
  reader.found.push(...shellCommands(reader.text.slice(reader.at + 2, at - 1), reader.line))
  skip(reader, at - reader.at)
  return '$()'
}
